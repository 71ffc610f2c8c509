internal import Glibc
internal import PluginKit

/// The file of principals: read only when nobody but its owner can.
package struct PrincipalFile: Sendable {
    /// Tells one state of the file from another.
    struct Stamp: Hashable, Sendable {
        let device: UInt
        let inode: UInt
        let size: Int
        let modified: [Int]
        let changed: [Int]

        init(_ facts: stat) {
            self.device = UInt(facts.st_dev)
            self.inode = UInt(facts.st_ino)
            self.size = Int(facts.st_size)
            self.modified = [facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec]
            self.changed = [facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec]
        }

        /// False when it changed so shortly before that the next change may leave the same stamp: file systems count in ticks.
        func isSettled(at seconds: Int) -> Bool { seconds - self.changed[0] > 1 }
    }

    /// Why there are no principals to be had.
    enum Failure: Error, Hashable {
        case missing
        /// Somebody else could have read or written it, or nobody can read it.
        case untrusted(String)
        case bad(Mistake)

        var sentence: String {
            switch self {
            case .missing: "there is no such file"
            case .untrusted(let sentence): sentence
            case .bad(let mistake): mistake.description
            }
        }
    }

    /// Absolute. A symbolic link is followed, as Kubernetes mounts secrets; what it leads to is judged.
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Gives the stamp of what is there now; nil when nothing is.
    func stamp() -> Stamp? {
        var facts = stat()
        return unsafe stat(self.path, &facts) == 0 ? Stamp(facts) : nil
    }

    /// Opens, judges, reads and understands it.
    func read() throws(Failure) -> Principals {
        // Not blocking: opening a FIFO would wait for a writer.
        let descriptor = unsafe open(self.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            let code = errno
            throw code == ENOENT || code == ENOTDIR ? .missing : .untrusted(unsafe String(cString: strerror(code)))
        }
        defer { close(descriptor) }
        try Self.judge(descriptor, self.path)
        guard let text = String(validating: try Self.bytes(descriptor), as: UTF8.self) else {
            throw .bad(Mistake(line: 1, key: "", problem: "expected UTF-8"))
        }
        do throws(Mistake) { return try Principals(yaml: text) } catch { throw .bad(error) }
    }

    private static func judge(_ descriptor: Int32, _ path: String) throws(Failure) {
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { throw .untrusted(unsafe String(cString: strerror(errno))) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw .untrusted("expected a regular file") }
        guard facts.st_uid == 0 || facts.st_uid == geteuid() else {
            throw .untrusted("expected a file owned by root or the host's user, found one owned by user \(facts.st_uid)")
        }
        guard isForOwnerAlone(owner: facts.st_uid, mode: facts.st_mode, path) else {
            let mode = String(facts.st_mode & 0o7777, radix: 8)
            throw .untrusted("expected a file that only its owner may use (chmod 600), found mode 0\(mode)")
        }
    }

    private static func bytes(_ descriptor: Int32) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= Value.maximumBytes {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw .untrusted(unsafe String(cString: strerror(errno))) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        throw .bad(Mistake(line: 1, key: "", problem: "expected at most 1 MiB"))
    }
}
