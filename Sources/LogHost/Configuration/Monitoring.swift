/// Says where the host can be watched: health and metrics, without authorizers.
package struct Monitoring: Sendable, Hashable {
    /// Lists the addresses that serve `/metrics`, `/healthz` and `/readyz` to everybody who can connect; none by default.
    package var listen: [ListenAddress] = []

    package init() {}
}

extension Monitoring {
    static let keys = ["listen"]

    /// Reads the mapping under `monitoring`; what it leaves out keeps its default. Throws the first mistake.
    init(_ reader: YAMLReader) throws(ConfigurationError) {
        self.init()
        let map = try reader.mapping("a mapping of monitoring settings", keys: Self.keys)
        if let listen = map["listen"] { self.listen = try Configuration.addresses(listen) }
    }
}
