internal import Glibc
internal import PluginABI

/// A plugin library in this process. Never unloaded: unloading Swift code crashes later casts.
// Everything is set once; the descriptor is static memory of a library that stays.
@safe
package struct LoadedLibrary: @unchecked Sendable {
    let descriptor: UnsafePointer<loghost_plugin>
    /// The name the library gives itself.
    package let name: String
    package let version: String
    package let summary: String
    /// Where the file really is.
    package let path: String
    /// Of the bytes that were loaded.
    package let sha256: String

    /// Finds, checks and loads a library, and asks it for its descriptor.
    ///
    /// With a pin the bytes are copied to sealed memory, checked there and loaded from there. `byPath` loads the path instead of the
    /// checked descriptor, for debuggers, and gives up what the check is worth.
    package static func load(
        library: String, directories: [String], sha256 pin: String? = nil, byPath: Bool = false
    ) throws(PluginRefusal) -> LoadedLibrary {
        let file = try LibraryFile(library: library, directories: directories)
        let (name, path) = (file.name, file.path)
        // Open for the life of the process: glibc knows a library by its path string, and a reused number would silently
        // answer with the library that had it before.
        let descriptor: Int32
        if let pin {
            descriptor = try SealedCopy.make(of: file, sha256: pin)
        } else {
            descriptor = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 3)
        }
        let sha256: String
        if let pin { sha256 = pin } else { sha256 = try SealedCopy.sha256(of: descriptor, file: name) }
        let handle = unsafe try Self.open(byPath ? path : "/proc/self/fd/\(descriptor)", name: name)
        let plugin = unsafe try Self.describe(handle, name: name)
        return unsafe try LoadedLibrary(plugin, file: name, path: path, sha256: sha256)
    }

    private static func open(_ path: String, name: String) throws(PluginRefusal) -> UnsafeMutableRawPointer {
        if let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) { return unsafe handle }
        let message = unsafe dlerror().map { unsafe String(cString: $0) } ?? "an unknown error"
        // The loader speaks of the descriptor; people know the file.
        let reason = message.replacing(path, with: name).replacing("\n", with: " ")
        throw PluginRefusal(file: name, expected: "a library whose symbols and dependencies are there", found: reason)
    }

    private static func describe(_ handle: UnsafeMutableRawPointer, name: String) throws(PluginRefusal) -> UnsafePointer<loghost_plugin> {
        guard let symbol = unsafe dlsym(handle, LOGHOST_ENTRY_SYMBOL) else {
            for major in 2...9 where unsafe dlsym(handle, "loghost_plugin_v\(major)") != nil {
                throw PluginRefusal(file: name, expected: "ABI v\(LOGHOST_ABI_MAJOR), which this host speaks", found: "ABI v\(major)")
            }
            throw PluginRefusal(file: name, expected: "the symbol \(LOGHOST_ENTRY_SYMBOL)", found: "none")
        }
        let entry = unsafe unsafeBitCast(symbol, to: loghost_entry_function.self)
        guard let plugin = unsafe entry() else {
            throw PluginRefusal(file: name, expected: "a descriptor from \(LOGHOST_ENTRY_SYMBOL)", found: "NULL")
        }
        return unsafe plugin
    }

    private init(_ plugin: UnsafePointer<loghost_plugin>, file: String, path: String, sha256: String) throws(PluginRefusal) {
        func refuse(_ expected: String, _ found: String) -> PluginRefusal {
            PluginRefusal(file: file, expected: expected, found: found)
        }
        let size = unsafe Int(plugin.pointee.size)
        guard unsafe size >= MemoryLayout<loghost_plugin>.size else {
            throw refuse(unsafe "a descriptor of at least \(MemoryLayout<loghost_plugin>.size) bytes", "\(size)")
        }
        // A missing function is a null pointer behind a type that cannot be null.
        let isComplete = unsafe withUnsafeBytes(of: plugin.pointee) { bytes in
            let first = unsafe MemoryLayout<loghost_plugin>.offset(of: \.create) ?? 0
            return unsafe stride(from: first, to: MemoryLayout<loghost_plugin>.size, by: 8).allSatisfy {
                unsafe bytes.loadUnaligned(fromByteOffset: $0, as: UInt.self) != 0
            }
        }
        guard isComplete else { throw refuse("five functions in the descriptor", "NULL among them") }
        let name = unsafe plugin.pointee.name.text
        let legal = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
        guard legal, (1...64).contains(name.utf8.count) else {
            throw refuse("a name of 1 to 64 characters a-z, 0-9 and -", "another one")
        }
        unsafe self.descriptor = unsafe plugin
        self.name = name
        self.version = unsafe String(plugin.pointee.version.text.prefix(64))
        self.summary = unsafe String(plugin.pointee.summary.text.prefix(256))
        self.path = path
        self.sha256 = sha256
    }
}
