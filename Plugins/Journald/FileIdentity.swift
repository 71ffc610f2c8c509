internal import Glibc

/// Which file it is, under whatever name.
struct FileIdentity: Hashable {
    private let device: UInt
    private let inode: UInt

    init(_ facts: stat) {
        self.device = UInt(facts.st_dev)
        self.inode = UInt(facts.st_ino)
    }

    /// Looks at a journal file; nil when it may not be read, or has not everything yet that libsystemd wants of one: signature, size and the
    /// first objects.
    init?(complete path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        // The header as the journal's file format has it: 8 bytes of signature; sizes at 88 and 96; the two hash tables at 104 and 120.
        var header = [UInt8](repeating: 0, count: 144)
        guard unsafe pread(descriptor, &header, header.count, 0) == header.count, header.starts(with: Array("LPKSHHRH".utf8))
        else {
            return nil
        }
        func number(_ offset: Int) -> UInt64 { header[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        guard number(104) > 0, number(120) > 0, number(88) &+ number(96) <= UInt64(max(facts.st_size, 0)) else { return nil }
        self.init(facts)
    }
}
