/// Who is at the other end of a connection, as far as the transport has proved it.
package struct Peer: Sendable, Hashable {
    /// From the kernel, at the moment of the connection.
    package struct UnixCredentials: Sendable, Hashable {
        package var uid: UInt32
        package var gid: UInt32
        package var pid: Int32
    }

    /// Numeric; empty on a unix socket.
    package var address = ""
    /// On a unix socket.
    package var unix: UnixCredentials?
    /// Of a verified client certificate, as RFC 4514 writes it; else empty.
    package var certificateSubject = ""
    /// The certificate's subject alternative names: `dns:…`, `uri:…`, `email:…`, `ip:…`.
    package var certificateNames: [String] = []
}
