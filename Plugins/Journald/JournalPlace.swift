internal import CSystemd
internal import Glibc
internal import PluginKit

/// Where journal files are.
enum JournalPlace: Sendable {
    case system
    case directory(String)
    case files([String])
    case namespace(String)

    /// Opens them all. Returns nil when the place itself does not exist (yet).
    func open() throws -> OpaquePointer? {
        var journal: OpaquePointer?
        let result: Int32 =
            switch self {
            case .system: unsafe sd_journal_open(&journal, Int32(SD_JOURNAL_LOCAL_ONLY))
            case .directory(let path): unsafe sd_journal_open_directory(&journal, path, 0)
            case .namespace(let name): unsafe sd_journal_open_namespace(&journal, name, Int32(SD_JOURNAL_LOCAL_ONLY))
            case .files(let paths): unsafe openFiles(paths, &journal)
            }
        switch -result {
        case ..<1: return unsafe journal
        case ENOENT: return nil
        case EACCES, EPERM: throw Self.noPermission
        case EMFILE, ENFILE: throw PluginError(.unavailable, "Too many journal files are open.", retryable: true)
        default: throw PluginError(.unavailable, "The journal cannot be opened (error \(-result)).", retryable: true)
        }
    }

    static let notWatched =
        "The journal's directories cannot be watched (fs.inotify.max_user_instances); they are looked at anew every second."

    static let noPermission = PluginError(
        .unavailable, "LogHost may not read the journal: its user must be a member of the group systemd-journal (or adm).")

    /// Throws when there are journal files but not one that this process may read: libsystemd passes over those in silence.
    func checkPermission() throws {
        var found = false
        for directory in self.directories {
            for file in Self.files(in: directory) {
                if unsafe access(file, R_OK) == 0 { return }
                found = true
            }
            // A directory that may not be listed hides its files.
            if unsafe access(directory, F_OK) == 0, unsafe access(directory, R_OK | X_OK) != 0 { found = true }
        }
        if found { throw Self.noPermission }
    }

    /// The files that are complete enough for libsystemd to take them in.
    func readableFiles() -> Set<FileIdentity> {
        var files: Set<FileIdentity> = []
        for directory in self.directories {
            for path in Self.files(in: directory) {
                if let file = FileIdentity(complete: path) { files.insert(file) }
            }
        }
        return files
    }

    /// True when all files of the place may be read.
    var seesEverything: Bool {
        if case .files = self { return false }
        return self.directories.allSatisfy { directory in
            unsafe access(directory, F_OK) != 0
                || access(directory, R_OK | X_OK) == 0 && Self.files(in: directory).allSatisfy { unsafe access($0, R_OK) == 0 }
        }
    }

    /// True when the files are named one by one.
    var isFixed: Bool {
        if case .files = self { true } else { false }
    }

    /// The directories in which there may be files, and directories of machines.
    var roots: [String] {
        switch self {
        case .files: []
        case .directory(let path): [path]
        case .system, .namespace: ["/var/log/journal", "/run/log/journal"]
        }
    }

    /// The directories whose files libsystemd reads: the roots, and what is named by a machine's id in them; of the system's journals only
    /// this machine's, and whatever is in /run.
    var directories: [String] {
        let roots = self.roots
        let isOfSystem = if case .directory = self { false } else { true }
        var suffix = ""
        if case .namespace(let name) = self { suffix = ".\(name)" }
        return roots
            + roots.flatMap { root in
                entries(of: root).filter { name in
                    guard name.hasSuffix(suffix), let id = ID128(name.dropLast(suffix.utf8.count)) else { return false }
                    return !isOfSystem || root != "/var/log/journal" || id == machine()
                }.map { "\(root)/\($0)" }.filter(isDirectory)
            }
    }

    /// The journal files in a directory.
    static func files(in directory: String) -> [String] {
        entries(of: directory).filter { $0.hasSuffix(".journal") || $0.hasSuffix(".journal~") }.map { "\(directory)/\($0)" }
    }
}

/// This machine's id.
private func machine() -> ID128? {
    var id = sd_id128_t()
    guard unsafe sd_id128_get_machine(&id) >= 0 else { return nil }
    return unsafe withUnsafeBytes(of: &id) {
        unsafe ID128($0.load(as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self))
    }
}

private func openFiles(_ paths: [String], _ journal: inout OpaquePointer?) -> Int32 {
    var pointers: [UnsafePointer<CChar>?] = unsafe paths.map { unsafe UnsafePointer(strdup($0)) } + [nil]
    defer { unsafe pointers.forEach { unsafe free(UnsafeMutableRawPointer(mutating: $0)) } }
    return unsafe sd_journal_open_files(&journal, &pointers, 0)
}

private func isDirectory(_ path: String) -> Bool {
    var facts = stat()
    return unsafe stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
}

/// Names in a directory, without `.` and `..`; none when it cannot be read. Bounded.
private func entries(of directory: String) -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while names.count < 10_000, let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
