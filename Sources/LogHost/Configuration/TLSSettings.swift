/// Says how a TCP listener speaks TLS. All paths are absolute, all files are PEM.
package struct TLSSettings: Sendable, Hashable {
    /// What is wanted of clients.
    package enum ClientAuth: String, Sendable, Hashable, CaseIterable {
        /// No certificate is asked for.
        case none
        /// A client may present a certificate, which must then be good.
        case optional
        /// A client without a good certificate is refused in the handshake.
        case required
    }

    /// The oldest version of TLS that is spoken.
    package enum Version: String, Sendable, Hashable, CaseIterable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// Names the file of the server's certificate, followed by those that lead to its authority.
    package var certificate: String
    /// Names the file of the certificate's private key.
    package var key: String
    /// Names the file of the authorities that clients' certificates must come from; no others count.
    package var clientCA: String?
    package var clientAuth: ClientAuth
    package var minimum: Version

    package init(
        certificate: String, key: String, clientCA: String? = nil, clientAuth: ClientAuth = .none, minimum: Version = .tls12
    ) {
        self.certificate = certificate
        self.key = key
        self.clientCA = clientCA
        self.clientAuth = clientAuth
        self.minimum = minimum
    }
}

extension TLSSettings {
    static let keys = ["certificate", "key", "client_ca", "client_auth", "minimum"]

    /// Reads the mapping under `tls`. Throws the first mistake; whether the files are good is found when they are read.
    init(_ reader: YAMLReader) throws(ConfigurationError) {
        let map = try reader.mapping("a mapping with certificate and key", keys: Self.keys)
        self.init(
            certificate: try Self.path(map.required("certificate", Self.expectedPath)),
            key: try Self.path(map.required("key", Self.expectedPath)))
        if let authority = map["client_ca"] { self.clientCA = try Self.path(authority) }
        if let auth = map["client_auth"] { self.clientAuth = try Self.choice(auth) }
        if let minimum = map["minimum"] { self.minimum = try Self.choice(minimum) }
        if self.clientAuth == .none, let authority = map["client_ca"] {
            throw authority.wrong("client_auth: optional or required beside it", found: "client_auth: none")
        }
        if self.clientAuth != .none, self.clientCA == nil {
            _ = try map.required("client_ca", "\(Self.expectedPath), for client_auth: \(self.clientAuth.rawValue)")
        }
    }

    private static let expectedPath = "an absolute path of a file"

    private static func path(_ reader: YAMLReader) throws(ConfigurationError) -> String {
        let path = try reader.string(Self.expectedPath)
        guard path.hasPrefix("/"), !path.hasSuffix("/"), path.utf8.count <= 4095 else { throw reader.wrong(Self.expectedPath) }
        return path
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ reader: YAMLReader
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        let expected = Choice.allCases.map(\.rawValue).joined(separator: " or ")
        guard let choice = Choice(rawValue: try reader.text(expected)) else { throw reader.wrong(expected) }
        return choice
    }
}
