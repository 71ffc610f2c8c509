/// Says where the host accepts connections. Its text form: `tcp://127.0.0.1:8080`, `tcp://[::1]:8080`, `unix:/run/x.sock`,
/// `systemd:NAME`.
package enum ListenAddress: Sendable, Hashable {
    /// A TCP port, 0 for any free one. The host is an address, IPv6 without brackets, or a name in lower case.
    case tcp(host: String, port: Int)
    /// The same, with TLS.
    case tls(host: String, port: Int, TLSSettings)
    /// A unix socket: an absolute path of at most 107 bytes, and the permissions that the socket gets.
    case unix(path: String, mode: UInt16)
    /// The sockets that the service manager has bound and passes under this name, with TLS or without.
    case passed(name: String, TLSSettings?)

    /// The permissions of a unix socket unless others are configured: its owner and its group may connect.
    package static let defaultMode: UInt16 = 0o660

    /// The length that `sockaddr_un` leaves to a path and its final zero byte, less that byte.
    package static let maximumPathBytes = 107

    /// Parses the text form; a unix socket gets the default mode. Throws what is wrong with the text.
    package init(_ text: String) throws(InvalidValue) {
        if text.hasPrefix("tcp://") {
            self = try Self.tcp(text.dropFirst(6), of: text)
        } else if text.hasPrefix("unix:") {
            self = try Self.unix(text.dropFirst(5), of: text)
        } else if text.hasPrefix("systemd:") {
            self = try Self.passed(text.dropFirst(8), of: text)
        } else {
            throw InvalidValue(expected: "an address such as tcp://127.0.0.1:8080 or unix:/run/loghost.sock", text: text)
        }
    }

    /// Tells whether only processes of this machine can connect: a loopback address, the name `localhost`, or a unix socket. What a
    /// passed socket is bound to is seen when it is there: `PassedSockets.check`.
    package var isLoopback: Bool {
        switch self {
        case .tcp(let host, _), .tls(let host, _, _):
            host == "localhost" || IPAddress.bytes(host).map(IPAddress.isLoopback) ?? false
        case .unix, .passed: true
        }
    }

    /// Says how it speaks TLS, if it does.
    package var tls: TLSSettings? {
        switch self {
        case .tls(_, _, let settings): settings
        case .passed(_, let settings): settings
        case .tcp, .unix: nil
        }
    }

    /// Tells whether two addresses differ at most in how they speak TLS.
    package func isSamePlace(as other: ListenAddress) -> Bool {
        switch (self, other) {
        case (.tls, .tls), (.passed, .passed):
            self.description == other.description && (self.tls == nil) == (other.tls == nil)
        default: self == other
        }
    }

    private static func tcp(_ rest: Substring, of text: String) throws(InvalidValue) -> ListenAddress {
        guard let colon = rest.lastIndex(of: ":"), let port = Self.port(rest[rest.index(after: colon)...]) else {
            throw InvalidValue(expected: "a port from 0 to 65535 at the end, as in tcp://127.0.0.1:8080", text: text)
        }
        let host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]"), host.utf8.count > 2 {
            let address = host.dropFirst().dropLast()
            if IPAddress.bytes(address)?.count == 16 {
                return .tcp(host: address.lowercased(), port: port)
            }
        } else if IPAddress.bytes(host)?.count == 4 || Self.isName(host) {
            return .tcp(host: host.lowercased(), port: port)
        }
        throw InvalidValue(
            expected: "a host name, an IPv4 address or an IPv6 address in brackets, as in tcp://[::1]:8080", text: text)
    }

    private static func unix(_ rest: Substring, of text: String) throws(InvalidValue) -> ListenAddress {
        let path = rest.hasPrefix("//") ? rest.dropFirst(2) : rest
        guard path.hasPrefix("/"), !path.hasSuffix("/"), !path.utf8.contains(0) else {
            throw InvalidValue(expected: "an absolute path, as in unix:/run/loghost.sock", text: text)
        }
        guard path.utf8.count <= Self.maximumPathBytes else {
            throw InvalidValue(
                expected: "a socket path of at most \(Self.maximumPathBytes) bytes", found: "\(path.utf8.count) bytes")
        }
        return .unix(path: String(path), mode: Self.defaultMode)
    }

    /// As `systemd.socket(5)` allows it to be.
    private static func passed(_ name: Substring, of text: String) throws(InvalidValue) -> ListenAddress {
        let isName = name.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ":") }
        guard isName, (1...255).contains(name.utf8.count) else {
            throw InvalidValue(expected: "the name of a socket, as in systemd:loghost.socket", text: text)
        }
        return .passed(name: String(name), nil)
    }

    private static func port(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text).flatMap { $0 <= 65_535 ? $0 : nil }
    }

    /// A last label that begins with a digit is refused: the system would read `127.1` or `0x7f000001` as an address.
    private static func isName(_ host: Substring) -> Bool {
        let labels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard host.utf8.count <= 253, let first = labels.last?.first, !(0x30...0x39).contains(first) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy {
                    (0x61...0x7a).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
                }
        }
    }
}

extension ListenAddress: CustomStringConvertible {
    /// The text form that `init(_:)` reads; a socket's mode and TLS are no part of it.
    package var description: String {
        switch self {
        case .tcp(let host, let port), .tls(let host, let port, _):
            host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        case .unix(let path, _): "unix:\(path)"
        case .passed(let name, _): "systemd:\(name)"
        }
    }
}
