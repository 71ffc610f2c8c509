internal import Glibc

/// One socket that a service manager has bound. It outlives this process, and so does the file of a unix socket.
struct PassedSocket: Sendable {
    let name: String
    let descriptor: Int32
    /// What it is bound to; the mode of a unix socket is not this host's to set. An abstract one begins with `@`.
    let address: ListenAddress

    /// Looks at what was passed. Throws unless it is a listening stream socket.
    init(name: String, descriptor: Int32) throws {
        self.name = name
        self.descriptor = descriptor
        guard Self.option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue),
            Self.option(SO_ACCEPTCONN, of: descriptor) == 1,
            let address = Self.address(of: descriptor)
        else {
            throw ConfigurationFailure(
                "the service manager: expected listening stream sockets (ListenStream=), found something else as \(name.onOneLine())"
            )
        }
        self.address = address
    }

    var isTCP: Bool { if case .unix = self.address { false } else { true } }

    private static func option(_ option: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
    }

    private static func address(of descriptor: Int32) -> ListenAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        guard result == 0, length >= MemoryLayout<sa_family_t>.size else { return nil }
        // Behind the family: a path; or a port and an IPv4 address; or a port, a flow and an IPv6 address.
        let rest = unsafe withUnsafeBytes(of: &storage) { unsafe Array($0.prefix(Int(length)).dropFirst(2)) }
        switch Int32(storage.ss_family) {
        case AF_UNIX: return .unix(path: Self.path(rest), mode: 0)
        case AF_INET where rest.count >= 6: return Self.tcp(rest.prefix(2), rest[2..<6], AF_INET)
        case AF_INET6 where rest.count >= 22: return Self.tcp(rest.prefix(2), rest[6..<22], AF_INET6)
        default: return nil
        }
    }

    private static func path(_ bytes: [UInt8]) -> String {
        guard bytes.first == 0 else { return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
        return "@" + String(decoding: bytes.dropFirst(), as: UTF8.self)
    }

    private static func tcp(_ port: ArraySlice<UInt8>, _ host: ArraySlice<UInt8>, _ family: Int32) -> ListenAddress {
        var text = [CChar](repeating: 0, count: 64)
        unsafe inet_ntop(family, Array(host), &text, socklen_t(text.count))
        return .tcp(
            host: String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self),
            port: port.reduce(0) { $0 << 8 | Int($1) })
    }
}
