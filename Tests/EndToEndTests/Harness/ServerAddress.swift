internal import Glibc

/// Where a server listens.
enum ServerAddress: Sendable {
    case unix(path: String)
    /// 127.0.0.1
    case tcp(port: UInt16)

    /// Connects at once or throws. A small receive buffer makes a client that reads slowly felt by the server.
    func connect(receiveBuffer: Int32? = nil) throws -> Descriptor {
        let family = if case .unix = self { AF_UNIX } else { AF_INET }
        let number = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw HarnessError(call: "socket") }
        if var size = receiveBuffer {
            unsafe setsockopt(number, SOL_SOCKET, SO_RCVBUF, &size, UInt32(MemoryLayout<Int32>.size))
        }
        let result =
            switch self {
            case .unix(let path): try unsafe Self.withUnixAddress(path) { unsafe Glibc.connect(number, $0, $1) }
            case .tcp(let port): unsafe Self.withLoopbackAddress(port) { unsafe Glibc.connect(number, $0, $1) }
            }
        guard result == 0 else {
            let code = errno
            close(number)
            throw HarnessError(call: "connect", code)
        }
        return Descriptor(number)
    }

    /// Answers a TCP port that was free a moment ago.
    static func freePort() throws -> UInt16 { try self.bound().port }

    /// Listens on a port of its own.
    static func listen() throws -> (Descriptor, port: UInt16) {
        let (descriptor, port) = try self.bound()
        guard Glibc.listen(descriptor.number, 128) == 0 else { throw HarnessError(call: "listen") }
        return (descriptor, port)
    }

    private static func bound() throws -> (Descriptor, port: UInt16) {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw HarnessError(call: "socket") }
        let descriptor = Descriptor(number)
        guard unsafe self.withLoopbackAddress(0, { unsafe bind(number, $0, $1) }) == 0 else { throw HarnessError(call: "bind") }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(number, $0, &size) }
        }
        guard result == 0 else { throw HarnessError(call: "getsockname") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// Lends the address of a unix socket.
    static func withUnixAddress<Value>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) throws -> Value {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < 108 else { throw HarnessError("the path of a socket is too long: \(path)") }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func withLoopbackAddress<Value>(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value
    {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
