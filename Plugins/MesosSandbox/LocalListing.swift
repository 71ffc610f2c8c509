internal import Glibc
internal import PluginKit
internal import Synchronization

extension LocalRun {
    /// So many files of one directory are listed at most.
    private static let capacity = 65_536
    /// So many steps are made in all to where links lead; what is left then is listed as links.
    private static let stepCapacity = 1 << 18

    /// Lists a directory as the agent does: sorted, and links as what they lead to. One that leads out of the run, or nowhere, is listed as
    /// the link it is. `path` is how the files' paths begin. Blocks.
    func list(_ directory: String, as path: String, accounts: AccountNames) throws -> [FileFacts] {
        let opened = try self.find(directory).reopened(O_RDONLY | O_DIRECTORY)
        // The stream closes the descriptor it is given.
        guard let stream = unsafe fdopendir(dup(opened.number)) else { throw LocalFailure.of(errno) }
        defer { unsafe closedir(stream) }
        var list: [FileFacts] = []
        var steps = Self.stepCapacity
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            guard list.count < Self.capacity else { throw PluginError(.limit, "The directory has too many files.") }
            var status = stat()
            // Deleted just now.
            guard unsafe fstatat(opened.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFLNK, let target = try? self.find("\(directory)/\(name)", left: &steps).status() {
                status = target
            }
            list.append(FileFacts(status, path: "\(path)/\(name)", accounts: accounts))
        }
        return list.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }
}

extension FileFacts {
    fileprivate init(_ status: stat, path: String, accounts: AccountNames) {
        self.init(
            path: path, mode: modeText(status.st_mode), modified: Int64(status.st_mtim.tv_sec), links: UInt64(status.st_nlink),
            size: UInt64(clamping: status.st_size), user: accounts.user(status.st_uid), group: accounts.group(status.st_gid),
            identity: FileIdentity(status))
    }
}

/// A mode as `ls` writes it.
func modeText(_ mode: mode_t) -> String {
    let types: [mode_t: Character] = [
        S_IFREG: "-", S_IFDIR: "d", S_IFLNK: "l", S_IFIFO: "p", S_IFSOCK: "s", S_IFCHR: "c", S_IFBLK: "b",
    ]
    var text = String(types[mode & S_IFMT] ?? "?")
    for (shift, special, mark) in [(6, S_ISUID, "s"), (3, S_ISGID, "s"), (0, S_ISVTX, "t")] as [(mode_t, mode_t, String)] {
        let bits = mode >> shift
        text += bits & 4 != 0 ? "r" : "-"
        text += bits & 2 != 0 ? "w" : "-"
        switch (bits & 1 != 0, mode & special != 0) {
        case (true, true): text += mark
        case (false, true): text += mark.uppercased()
        case (true, false): text += "x"
        case (false, false): text += "-"
        }
    }
    return text
}

/// Names of users and groups, asked for once each; a number where there is none.
final class AccountNames: Sendable {
    private struct State {
        var users: [UInt32: String] = [:]
        var groups: [UInt32: String] = [:]
    }

    private static let capacity = 4_096
    private let state = Mutex(State())

    func user(_ id: UInt32) -> String {
        if let name = self.state.withLock({ $0.users[id] }) { return name }
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { buffer in
            if let memory = buffer.baseAddress { _ = unsafe getpwuid_r(id, &entry, memory, buffer.count, &found) }
            return unsafe found.map { unsafe String(cString: $0.pointee.pw_name) } ?? "\(id)"
        }
        self.state.withLock { if $0.users.count < Self.capacity { $0.users[id] = name } }
        return name
    }

    func group(_ id: UInt32) -> String {
        if let name = self.state.withLock({ $0.groups[id] }) { return name }
        var entry = unsafe Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { buffer in
            if let memory = buffer.baseAddress { _ = unsafe getgrgid_r(id, &entry, memory, buffer.count, &found) }
            return unsafe found.map { unsafe String(cString: $0.pointee.gr_name) } ?? "\(id)"
        }
        self.state.withLock { if $0.groups.count < Self.capacity { $0.groups[id] = name } }
        return name
    }
}
