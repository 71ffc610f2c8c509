package import Logging

/// Holds all settings of the host.
package struct Configuration: Sendable, Hashable {
    /// Says where to serve; at least one address.
    package var listen: [ListenAddress]
    /// Lists the absolute directories where libraries are looked for, in order; empty means beside the executable.
    package var pluginPath: [String]
    package var plugins: [PluginConfiguration]
    /// Names the plugins that decide about requests, in order.
    package var authorizers: [String]
    /// Permits to serve other machines without an authorizer.
    package var insecure: Bool
    /// Lists the peers whose `X-Forwarded-For` counts.
    package var trustedProxies: [AddressRange]
    /// Says from which level on records are logged.
    package var logLevel: Logger.Level
    /// Asks for a record of each request.
    package var accessLog: Bool
    package var limits: Limits
    package var streams: Streams
    package var monitoring: Monitoring

    package init(
        listen: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 8080)], pluginPath: [String] = [],
        plugins: [PluginConfiguration] = [], authorizers: [String] = [], insecure: Bool = false,
        trustedProxies: [AddressRange] = [], logLevel: Logger.Level = .info, accessLog: Bool = false,
        limits: Limits = Limits(), streams: Streams = Streams(), monitoring: Monitoring = Monitoring()
    ) {
        self.listen = listen
        self.pluginPath = pluginPath
        self.plugins = plugins
        self.authorizers = authorizers
        self.insecure = insecure
        self.trustedProxies = trustedProxies
        self.logLevel = logLevel
        self.accessLog = accessLog
        self.limits = limits
        self.streams = streams
        self.monitoring = monitoring
    }

    /// Serves this machine's journal: the settings without a file. The plugin that decides needs `permit` before it can be made.
    package static var embedded: Configuration {
        Configuration(
            plugins: [
                PluginConfiguration(name: "journald", library: "libloghost-journald.so"),
                PluginConfiguration(name: "encoders", library: "libloghost-encoders.so"),
                PluginConfiguration(name: "token", library: "libloghost-auth-token.so"),
            ], authorizers: ["token"])
    }

    /// Lets in, under the name `local`, whoever has the token with this SHA-256 of 64 hexadecimal digits.
    package mutating func permit(tokenSHA256 digits: String) {
        for index in self.plugins.indices where self.plugins[index].name == "token" {
            self.plugins[index].config = Array(#"{"principals":[{"name":"local","sha256":"\#(digits)"}]}"#.utf8)
        }
    }

    /// Returns the first address that other machines can reach although nothing authorizes them, or nil. Whoever changes `listen`
    /// after loading asks again: a configuration with such an address must not be served.
    package var unprotectedAddress: ListenAddress? {
        self.isUnprotected ? self.listen.first { !$0.isLoopback } : nil
    }

    /// Tells whether whoever connects is let in, without the operator having asked for that.
    package var isUnprotected: Bool { self.authorizers.isEmpty && !self.insecure }

    /// Parses and checks a file's text; `file` names it in the errors. Throws the first mistake.
    package static func load(yaml: String, file: String) throws(ConfigurationError) -> Configuration {
        guard let root = try YAMLDocument.root(of: yaml, file: file) else {
            throw ConfigurationError(
                file: file, line: 1, key: "plugins", reason: .mismatch(expected: Self.expectedPlugins, found: "nothing"))
        }
        return try Configuration(YAMLReader(node: root, file: file, path: ""))
    }

    static let expectedPlugins = "a list of plugins"
}
