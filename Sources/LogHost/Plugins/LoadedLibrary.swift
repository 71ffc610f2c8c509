internal import Glibc
package import PluginABI
internal import Synchronization

/// A plugin's library in this process: checked, mapped, its entry called, its descriptor read. Never unloaded.
package struct LoadedLibrary: Sendable {
    /// Where the name led, links followed.
    package let path: String
    /// Open for the life of the process. glibc knows a library by its path string: with the number used again for another
    /// file, loading that file would answer this library.
    package let fileDescriptor: Int32
    private let plugin: PluginDescriptor
    private let knownHash: String?

    package var descriptor: UnsafePointer<loghost_plugin> { unsafe self.plugin.pointer }
    package var name: String { self.plugin.name }
    package var version: String { self.plugin.version }
    package var summary: String { self.plugin.summary }
    package var abiMinor: UInt32 { self.plugin.abiMinor }
    package var flags: UInt32 { self.plugin.flags }

    /// Libraries loaded from a sealed copy, by hash. Each copy is a file of its own, and the loader would map it again, with
    /// separate globals and Swift metadata; a library named twice in the configuration is loaded once.
    private static let sealed = Mutex<[String: LoadedLibrary]>([:])

    /// Finds, checks and loads a library and calls its entry. May be called again for the same library.
    ///
    /// - Parameters:
    ///   - library: an absolute path, or a bare file name.
    ///   - directories: absolute paths where a bare name is looked for, in this order, and nowhere else.
    ///   - sha256: 64 hexadecimal digits; then the library is loaded from a sealed copy that has this hash.
    ///   - byPath: loads by name instead of by descriptor, so that debuggers find the file. Unsafe: the file may have been
    ///     exchanged since the check.
    package static func load(
        library: String, directories: [String], sha256: String? = nil, byPath: Bool = false
    ) throws(PluginRefusal) -> LoadedLibrary {
        let pin = try sha256.map { text throws(PluginRefusal) in try HashPin(text, library: library) }
        let file = try LibraryFile.open(library, in: directories)
        let path = file.path
        let label = file.label
        guard let pin else {
            return try Self.load(file.descriptor, size: file.size, path: path, label: label, hash: nil, byPath: byPath)
        }
        return try Self.sealed.withLock { loaded throws(PluginRefusal) in
            let copy = try SealedCopy(of: file)
            try pin.check(copy.sha256, label: label)
            if let known = loaded[pin.sha256] { return known }
            let new = try Self.load(
                copy.descriptor, size: copy.size, path: path, label: label, hash: pin.sha256, byPath: byPath)
            loaded[pin.sha256] = new
            return new
        }
    }

    /// Loads from an open file, and keeps it open once the loader knows it.
    private static func load(
        _ file: consuming OwnedDescriptor, size: Int, path: String, label: String, hash: String?, byPath: Bool
    ) throws(PluginRefusal) -> LoadedLibrary {
        try ELFHeader.check(file.number, size: size, label: label)
        let library = try DynamicLibrary(path: byPath ? path : "/proc/self/fd/\(file.number)", label: label)
        // From here on the library stays mapped, whatever is wrong with it: so does its descriptor stay open.
        let number = file.keep()
        let plugin = unsafe try PluginDescriptor(checking: library.entry(), file: label)
        return LoadedLibrary(path: path, fileDescriptor: number, plugin: plugin, knownHash: hash)
    }

    /// Computes the SHA-256 of the file as it is now, or gives the one it was pinned to, in lower-case hexadecimal digits.
    /// Reads the whole file at every call.
    package var sha256: String {
        get throws(PluginRefusal) {
            if let knownHash = self.knownHash { return knownHash }
            guard let hash = ContentHash.sha256(of: self.fileDescriptor) else {
                throw PluginRefusal(file: self.path, expected: "a readable file", found: "\"\(systemErrorText(errno))\"")
            }
            return hash
        }
    }
}
