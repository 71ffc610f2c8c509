internal import PluginKit

/// Host and port of a server.
package struct Endpoint: Sendable, Hashable {
    /// A name or an address; IPv6 without brackets.
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Parses `host`, `host:port` or `[address]:port`; throws a `PluginError` that names the key.
    package init(_ text: String, defaultPort: UInt16?, _ key: String) throws {
        guard let endpoint = Endpoint(text, defaultPort: defaultPort) else {
            throw PluginError(.invalid, "\(key): expected HOST or HOST:PORT")
        }
        self = endpoint
    }

    /// Parses the same; nil for anything else.
    init?(_ text: String, defaultPort: UInt16?) {
        var host = text[...]
        var rest = Substring()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.utf8.allSatisfy({ isHexDigit($0) || $0 == 0x3A || $0 == 0x2E }) else { return nil }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            rest = text[colon...]
        }
        guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy(isHostByte) else { return nil }
        self.host = String(host)
        guard !rest.isEmpty else {
            guard let defaultPort else { return nil }
            self.port = defaultPort
            return
        }
        let digits = rest.dropFirst()
        guard rest.hasPrefix(":"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits), port > 0
        else { return nil }
        self.port = port
    }

    /// As it stands in a URL.
    var authority: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
}

private func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"): true
    default: false
    }
}
