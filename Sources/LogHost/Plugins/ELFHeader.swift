/// Refuses what is not a whole ELF shared library for this machine.
///
/// The loader would say so too, but in its own words; and a library cut short, as by a full disk, it maps without
/// a word and then dies of SIGBUS.
package struct ELFHeader: Sendable {
    #if arch(x86_64)
        private static let machine = (number: 62, name: "x86_64")
    #elseif arch(arm64)
        private static let machine = (number: 183, name: "aarch64")
    #else
        #error("Which e_machine has this architecture?")
    #endif
    private static let headerSize = 64
    private static let segmentSize = 56

    /// Checks the file's header, and that every segment to be loaded lies within the file.
    package static func check(_ descriptor: Int32, size: Int, label: String) throws(PluginRefusal) {
        func refuse(_ found: String) -> PluginRefusal {
            PluginRefusal(file: label, expected: "an ELF shared library for \(Self.machine.name)", found: found)
        }
        func read(_ count: Int, at offset: Int) throws(PluginRefusal) -> LittleEndian? {
            var bytes = [UInt8](repeating: 0, count: count)
            guard let got = readBytes(descriptor, into: &bytes, at: offset) else { throw refuse("an unreadable file") }
            return got == count ? LittleEndian(bytes) : nil
        }
        guard let magic = try read(4, at: 0), magic.bytes == [0x7F, 0x45, 0x4C, 0x46] else {
            throw refuse(size == 0 ? "an empty file" : "a file that is not ELF")
        }
        guard let header = try read(Self.headerSize, at: 0) else { throw refuse("one cut short at \(size) bytes") }
        guard header.bytes[4] == 2 else { throw refuse("a 32-bit one") }
        guard header.bytes[5] == 1 else { throw refuse("a big-endian one") }
        let machine = header.integer(at: 18, bytes: 2)
        guard machine == Self.machine.number else { throw refuse("one for \(Self.name(ofMachine: machine))") }
        switch header.integer(at: 16, bytes: 2) {
        case 3: break
        case 1: throw refuse("an object file")
        case 2: throw refuse("an executable")
        case 4: throw refuse("a core dump")
        case let type: throw refuse("ELF type \(type)")
        }
        let count = Int(header.integer(at: 56, bytes: 2))
        guard header.integer(at: 54, bytes: 2) == Self.segmentSize, count > 0,
            let offset = Int(exactly: header.integer(at: 32, bytes: 8)), offset <= size,
            let segments = try read(count * Self.segmentSize, at: offset)
        else { throw refuse("one without a whole table of segments") }
        for start in stride(from: 0, to: count * Self.segmentSize, by: Self.segmentSize)
        where segments.integer(at: start, bytes: 4) == 1 {
            let (end, overflow) = segments.integer(at: start + 8, bytes: 8)
                .addingReportingOverflow(segments.integer(at: start + 32, bytes: 8))
            guard !overflow, end <= size else { throw refuse("one cut short at \(size) bytes") }
        }
    }

    /// Names the machines that a package could be built for by mistake.
    private static func name(ofMachine number: UInt64) -> String {
        switch number {
        case 3: "i386"
        case 21: "ppc64"
        case 22: "s390x"
        case 40: "arm"
        case 62: "x86_64"
        case 183: "aarch64"
        case 243: "riscv"
        default: "machine \(number)"
        }
    }
}

/// Reads unsigned integers out of bytes.
private struct LittleEndian {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads up to eight bytes at an offset within the bytes.
    func integer(at offset: Int, bytes count: Int) -> UInt64 {
        self.bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
