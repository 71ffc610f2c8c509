/// Says how answers behave while they run.
package struct Streams: Sendable, Hashable {
    /// Bounds the silence of a follow: then comes a comment, so that no proxy takes the connection for dead; 100 ms to 1 h.
    package var keepAlive: Duration = .seconds(15)
    /// Bounds how long range answers may still run after SIGTERM, 0 to 1 h.
    package var shutdown: Duration = .seconds(10)
    /// Bounds the memory that keeps news for followers who are not quick enough, all logs together, 64 KiB to 16 GiB.
    package var ringBytes = 4 << 20
    /// Names who may read from a browser (`Access-Control-Allow-Origin`, with authorizers only): `*` or one origin such as
    /// `https://example.com`.
    package var corsOrigin = "*"

    package init() {}
}

extension Streams {
    static let keys = ["keep_alive", "shutdown", "ring", "cors_origin"]

    /// Reads the mapping under `streams`; what it leaves out keeps its default. Throws the first mistake.
    init(_ reader: YAMLReader) throws(ConfigurationError) {
        self.init()
        let map = try reader.mapping("a mapping of stream settings", keys: Self.keys)
        try map.read("keep_alive", into: &self.keepAlive, in: .milliseconds(100) ... .seconds(3600))
        try map.read("shutdown", into: &self.shutdown, in: .zero ... .seconds(3600))
        try map.read("ring", intoBytes: &self.ringBytes, in: 64 << 10...16 << 30)
        if let origin = map["cors_origin"] {
            let expected = "\"*\" or an origin such as https://example.com"
            self.corsOrigin = try origin.string(expected)
            guard Self.isOrigin(self.corsOrigin) else { throw origin.wrong(expected) }
        }
    }

    /// Tells whether the text is `*`, or scheme, host and perhaps a port as RFC 6454 serialises an origin: it goes into a header.
    private static func isOrigin(_ text: String) -> Bool {
        guard text != "*" else { return true }
        let schemes = ["https://", "http://"]
        guard let scheme = schemes.first(where: { text.hasPrefix($0) }) else { return false }
        let host = text.utf8.dropFirst(scheme.utf8.count)
        return (1...300).contains(host.count)
            && host.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "-.:[]".utf8.contains($0)
                }
            }
    }
}
