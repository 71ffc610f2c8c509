internal import Glibc
internal import PluginKit

/// Which file it is, whatever its name: as long as somebody has it open no other file can be that one.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64

    init(_ status: stat) {
        self.device = UInt64(status.st_dev)
        self.inode = UInt64(status.st_ino)
    }
}

/// A descriptor that closes itself.
final class OpenFile: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit { close(self.number) }

    func status() throws -> stat {
        var status = stat()
        guard unsafe fstat(self.number, &status) == 0 else { throw LocalFailure.of(errno) }
        return status
    }
}

/// What a failed call on a local file means for the client.
enum LocalFailure {
    static func of(_ code: Int32) -> PluginError {
        switch code {
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ESTALE: PluginError(.notFound, "The file is not there.")
        case EACCES, EPERM: PluginError(.unavailable, "This node's files cannot be read with the rights that there are.")
        case EMFILE, ENFILE, ENOMEM: PluginError(.limit, "Too many files are open.", retryable: true)
        default: PluginError(.unavailable, "The disk gave an error.", retryable: true)
        }
    }
}
