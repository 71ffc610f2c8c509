internal import PluginKit

/// Holds where the IAM is: scheme, host and port. Plain HTTP is for this machine only, because tokens travel there.
package struct ServerURL: Sendable, Hashable {
    /// True for https.
    package let isSecure: Bool
    /// The address without a slash at its end.
    private let base: String

    private static let expected = "iam: expected https://HOST[:PORT], or http:// for this machine; no user, path or query"

    /// Parses an address; throws a `PluginError` that names the key `iam`.
    package init(_ text: String) throws {
        let wrong = PluginError(.invalid, Self.expected)
        guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { throw wrong }
        var rest = text.dropFirst(scheme.count)
        if rest.hasSuffix("/") { rest.removeLast() }
        let (host, port) = try Self.split(rest, orThrow: wrong)
        if let port {
            guard (1...5).contains(port.utf8.count), port.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(port), (1...65535).contains(number)
            else { throw wrong }
        }
        self.isSecure = scheme == "https://"
        self.base = scheme + rest
        if !self.isSecure, !Self.isLoopback(host) {
            throw PluginError(.invalid, "iam: plain HTTP is for this machine only; use https with another host")
        }
    }

    /// Makes the URL of a path, which begins with a slash, and of query items, whose values are percent-encoded here and once.
    func url(_ path: String, _ items: [(name: String, value: String)] = []) -> String {
        let query = items.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&")
        return self.base + path + (query.isEmpty ? "" : "?\(query)")
    }

    private static func split(_ text: Substring, orThrow wrong: PluginError) throws -> (host: Substring, port: Substring?) {
        let host: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw wrong }
            host = text[...end]
            guard host.utf8.count > 4, host.utf8.dropFirst().dropLast().allSatisfy({ isHexDigit($0) || $0 == 0x3A || $0 == 0x2E })
            else { throw wrong }
        } else {
            host = text.prefix { $0 != ":" }
            let isName = host.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
            guard (1...253).contains(host.utf8.count), isName else { throw wrong }
        }
        let rest = text[host.endIndex...]
        if rest.isEmpty { return (host, nil) }
        guard rest.hasPrefix(":") else { throw wrong }
        return (host, rest.dropFirst())
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil && !$0.hasPrefix("+") }
    }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
}

func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
}
