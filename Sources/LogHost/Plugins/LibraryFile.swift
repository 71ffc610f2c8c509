internal import Glibc

/// A library's file: found, opened and checked. The descriptor is what is loaded, so that nothing can be put in its place afterwards.
@safe
struct LibraryFile: ~Copyable {
    let descriptor: Int32
    /// The name it was asked for by; used in messages.
    let name: String
    /// Where it really is.
    let path: String

    deinit { Glibc.close(self.descriptor) }

    /// Opens a library by its absolute path, or by its name in one of the directories.
    init(library: String, directories: [String], loader: Loader = .current) throws(PluginRefusal) {
        let (descriptor, name) = try Self.open(library, directories)
        let path = Self.resolvedPath(descriptor) ?? name
        do throws(PluginRefusal) {
            try Self.check(descriptor, path: path, name: name, loader: loader)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.name = name
        self.path = path
    }

    private static func check(_ descriptor: Int32, path: String, name: String, loader: Loader) throws(PluginRefusal) {
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else {
            throw PluginRefusal(file: name, expected: "a readable file", found: Self.reason(errno))
        }
        try FileTrust.check(FileFacts(facts), file: name, loader: loader)
        if loader.user == 0 { try Self.checkParents(of: path, file: name) }
        try Self.checkELF(descriptor, file: name)
    }

    private static func open(_ library: String, _ directories: [String]) throws(PluginRefusal) -> (Int32, String) {
        let candidates: [String]
        if library.utf8.contains(UInt8(ascii: "/")) {
            guard library.hasPrefix("/") else {
                throw PluginRefusal(file: library, expected: "an absolute path or a bare file name", found: "a relative path")
            }
            candidates = [library]
        } else {
            candidates = directories.map { "\($0)/\(library)" }
        }
        for path in candidates {
            // Not blocking, because opening a FIFO would wait for its writer.
            let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
            if descriptor >= 0 { return (descriptor, path) }
            if errno != ENOENT { throw PluginRefusal(file: path, expected: "a readable file", found: Self.reason(errno)) }
        }
        let places = candidates.count == 1 && candidates[0] == library ? "" : " in \(directories.joined(separator: ", "))"
        throw PluginRefusal(file: library, expected: "a file\(places)", found: "none")
    }

    private static func reason(_ code: Int32) -> String {
        unsafe strerror(code).map { unsafe String(cString: $0).lowercased() } ?? "error \(code)"
    }

    private static func resolvedPath(_ descriptor: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return -1 }
            return unsafe readlink("/proc/self/fd/\(descriptor)", unsafe base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    private static func checkParents(of path: String, file: String) throws(PluginRefusal) {
        var parent = path
        while let slash = parent.lastIndex(of: "/"), parent != "/" {
            parent = slash == parent.startIndex ? "/" : String(parent[..<slash])
            var facts = stat()
            guard unsafe lstat(parent, &facts) == 0 else {
                throw PluginRefusal(file: file, expected: "directories above it", found: Self.reason(errno))
            }
            try FileTrust.check(parent: FileFacts(facts), path: parent, file: file)
        }
    }

    private static func checkELF(_ descriptor: Int32, file: String) throws(PluginRefusal) {
        var header = [UInt8](repeating: 0, count: 20)
        let count = unsafe pread(descriptor, &header, header.count, 0)
        let expected = "an ELF shared library for \(Self.machineName)"
        guard count == header.count, header.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
            throw PluginRefusal(file: file, expected: expected, found: "no ELF file")
        }
        let type = UInt16(header[16]) | UInt16(header[17]) << 8
        let machine = UInt16(header[18]) | UInt16(header[19]) << 8
        guard header[4] == 2, machine == Self.machine else {
            throw PluginRefusal(file: file, expected: expected, found: "an ELF file for another machine (\(machine))")
        }
        guard type == 3 else { throw PluginRefusal(file: file, expected: expected, found: "another kind of ELF file (\(type))") }
    }

    #if arch(x86_64)
        private static let machine: UInt16 = 62
        private static let machineName = "x86_64"
    #elseif arch(arm64)
        private static let machine: UInt16 = 183
        private static let machineName = "aarch64"
    #endif
}
