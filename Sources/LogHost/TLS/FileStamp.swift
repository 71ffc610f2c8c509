internal import CLinux

/// Everything about a file that changes when it is written or another one takes its place. Links are followed.
struct FileStamp: Hashable, Sendable {
    private let parts: [Int64]

    /// Looks at the file; all that cannot be looked at are alike.
    init(_ path: String) {
        var status = loghost_file_status()
        _ = unsafe loghost_stat(path, &status)
        self.parts = [
            Int64(bitPattern: status.device), Int64(bitPattern: status.inode), status.size, status.modified_ns, status.changed_ns,
        ]
    }
}
