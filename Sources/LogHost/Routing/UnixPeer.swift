internal import Glibc
internal import NIOCore
internal import NIOPosix

extension Peer.UnixCredentials {
    /// Asks the kernel who connected to a unix socket; nil when it knows of nobody.
    package init?(descriptor: CInt) {
        // As `struct ucred`: process, user, group.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, .max, .max)
        let size = MemoryLayout.size(ofValue: credentials)
        var length = socklen_t(size)
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
        // What is no unix socket has a user and a group of -1.
        guard result == 0, length == size, credentials.uid != .max, credentials.gid != .max else { return nil }
        self.init(uid: credentials.uid, gid: credentials.gid, pid: credentials.pid)
    }
}

extension Peer {
    /// Who connected to a unix socket.
    init(unix channel: any Channel) {
        self.init()
        let pipeline = channel.pipeline.syncOperations
        let credentials = try? pipeline.withUnsafeTransportIfAvailable(of: CInt.self) { UnixCredentials(descriptor: $0) }
        self.unix = credentials ?? nil
    }
}
