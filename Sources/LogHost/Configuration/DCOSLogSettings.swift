internal import Logging

/// What dcos-log is told, on its command line or in its file of JSON, and the configuration that does the same.
package struct DCOSLogSettings: Sendable, Hashable {
    /// The part that a node has in the cluster.
    package enum Role: String, Sendable, CaseIterable {
        case master
        case agent
        case publicAgent = "agent_public"
    }

    package var role: Role?
    package var port: Int?
    package var isVerbose: Bool?
    package var authorizes: Bool?
    package var authoritiesFile: String?
    package var timeout: Duration?

    package init() {}

    /// Where clients of dcos-log look for it, unless the service manager has made a socket.
    package static let socket = "/run/dcos/dcos-log.sock"

    private static let keys = ["role", "port", "verbose", "auth", "ca-cert", "timeout"]

    /// Reads the file. Throws the first mistake.
    package init(json: String, file: String) throws(ConfigurationError) {
        guard let root = try YAMLDocument.root(of: json, file: file) else { return }
        let map = try YAMLReader(node: root, file: file, path: "").mapping("an object of settings", keys: Self.keys)
        if let role = map["role"] { self.role = try role.parsed(Self.role) }
        if let port = map["port"] { self.port = try port.integer(in: 0...65_535) }
        if let verbose = map["verbose"] { self.isVerbose = try verbose.bool() }
        if let auth = map["auth"] { self.authorizes = try auth.bool() }
        if let file = map["ca-cert"] { self.authoritiesFile = try file.string("a path") }
        if let timeout = map["timeout"] { self.timeout = try timeout.parsed(Self.timeout) }
    }

    package static func role(_ text: String) throws(InvalidValue) -> Role {
        guard let role = Role(rawValue: text) else {
            throw InvalidValue(expected: "master, agent or agent_public", text: text)
        }
        return role
    }

    /// Reads a duration as Go writes it: `10s`, `1m30s`.
    package static func timeout(_ text: String) throws(InvalidValue) -> Duration {
        var sum = Duration.zero
        var rest = text[...]
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            let unit = rest.dropFirst(number.count).prefix { $0.isASCII && $0.isLetter }
            guard !unit.isEmpty, let part = Quantity.duration("\(number)\(unit)") else { break }
            sum += part
            rest = rest.dropFirst(number.count + unit.count)
        }
        guard rest.isEmpty, sum >= .milliseconds(100), sum <= .seconds(600) else {
            throw InvalidValue(expected: "a duration from 100ms to 10m, such as 10s", text: text)
        }
        return sum
    }

    /// Puts what somebody else says over this.
    package mutating func override(by other: DCOSLogSettings) {
        self.role = other.role ?? self.role
        self.port = other.port ?? self.port
        self.isVerbose = other.isVerbose ?? self.isVerbose
        self.authorizes = other.authorizes ?? self.authorizes
        self.authoritiesFile = other.authoritiesFile ?? self.authoritiesFile
        self.timeout = other.timeout ?? self.timeout
    }

    // MARK: The same in LogHost's terms

    /// The configuration. `sockets`: the names of those that the service manager has made.
    package func configuration(sockets: [String]) -> Configuration {
        var configuration = Configuration()
        configuration.plugins = [
            PluginConfiguration(name: "journald", library: "libloghost-journald.so"),
            PluginConfiguration(name: "encoders", library: "libloghost-encoders.so"),
        ]
        if self.isAuthorizing {
            configuration.plugins.append(
                PluginConfiguration(name: "iam", library: "libloghost-auth-iam.so", config: Self.json(self.iam)))
            configuration.authorizers.append("iam")
        }
        if let role {
            var plugin = PluginConfiguration(
                name: "sandbox", library: "libloghost-mesos-sandbox.so", config: Self.json(self.sandbox(role)))
            plugin.getsCredential = true
            configuration.plugins.append(plugin)
            if role != .master { configuration.authorizers.append("sandbox") }
        }
        configuration.listen = sockets.map { .passed(name: $0, nil) }
        // Without an authorizer nobody else is let in.
        if let port { configuration.listen.append(.tcp(host: self.isAuthorizing ? "0.0.0.0" : "127.0.0.1", port: port)) }
        if configuration.listen.isEmpty {
            configuration.listen = [.unix(path: Self.socket, mode: ListenAddress.defaultMode)]
        }
        if self.isVerbose == true { configuration.logLevel = .debug }
        return configuration
    }

    /// dcos-log itself trusts whoever stands before it; here a node of a cluster asks the cluster.
    private var isAuthorizing: Bool { self.role != nil || self.authorizes == true }

    private var iam: [(String, JSONText.Value)] {
        [
            ("iam", .text(self.role == .master ? "http://127.0.0.1:8101" : "https://leader.mesos")), ("mode", .text("open")),
        ] + self.authorities
    }

    private func sandbox(_ role: Role) -> [(String, JSONText.Value)] {
        var members: [(String, JSONText.Value)] = [("role", .text(role.rawValue)), ("blank_lines", .text("drop"))]
        if let timeout { members.append(("timeout", .text("\(Int(timeout / .milliseconds(1)))ms"))) }
        // The agent and the masters themselves are asked without TLS.
        return members
    }

    private var authorities: [(String, JSONText.Value)] {
        self.authoritiesFile.map { [("ca_file", .text($0))] } ?? []
    }

    private static func json(_ members: [(String, JSONText.Value)]) -> [UInt8] { Array(JSONText.object(members).utf8) }
}

extension YAMLReader {
    /// Returns text that has a grammar of its own.
    fileprivate func parsed<Value>(_ parse: (String) throws(InvalidValue) -> Value) throws(ConfigurationError) -> Value {
        let text = try self.string("text")
        do throws(InvalidValue) {
            return try parse(text)
        } catch {
            throw self.wrong(error)
        }
    }
}
