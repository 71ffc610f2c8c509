internal import PluginKit

/// Where Mesos is, and how its sandboxes are read.
package struct SandboxConfiguration: Decodable, Sendable {
    /// Which node this is.
    package enum Role: String, Sendable {
        /// Finds tasks and leads to the agents.
        case master
        /// Serves the sandboxes of its own agent.
        case agent
        case agentPublic = "agent_public"
    }

    /// How the agent of this node is found.
    package enum AgentAddress: Sendable, Hashable {
        case fixed(Endpoint)
        /// A program that prints this node's address.
        case script(String, port: UInt16)
    }

    package var role: Role
    /// The masters, in the order in which they are asked.
    package var masters: [Endpoint]
    package var agent: AgentAddress
    /// How Mesos, and from a master the agents' LogHosts, are asked.
    package var tls: ClientTLS
    /// The agent's work directory; nil = as the agent says.
    package var workDirectory: String?
    /// Where a master reaches the LogHost of an agent, or the gateway before it.
    package var agentLogHostPort: UInt16
    /// For one request to Mesos.
    package var timeout: Duration
    /// How long a follow waits for a file, or an agent, that has gone.
    package var patience: Duration
    /// Requests in flight for one range.
    package var readAhead: Int
    /// As the Logging API once did.
    package var dropsBlankLines: Bool
    /// The agent's files are read from this node's disk.
    package var isLocal: Bool

    package init(from decoder: any Decoder) throws {
        let keys = try StrictKeys(
            decoder, "role", "master", "agent", "agent_port", "detect_ip", "scheme", "ca_file", "client_certificate",
            "client_key", "work_dir", "agent_loghost_port", "timeout", "patience", "read_ahead", "blank_lines", "local")
        guard let role: String = try keys.value("role"), let role = Role(rawValue: role) else {
            throw PluginError(.invalid, "role: expected master, agent or agent_public")
        }
        self.role = role
        self.masters =
            try keys.value("master", as: OneOrMore.self)?.values.map { try Endpoint($0, defaultPort: 5050, "master") }
            ?? [Endpoint(host: "leader.mesos", port: 5050)]
        self.agent = try Self.agent(keys)
        self.tls = try ClientTLS(keys)
        self.workDirectory = try keys.value("work_dir").map { try absolutePath($0, "work_dir") }
        self.agentLogHostPort = try keys.value("agent_loghost_port") ?? 61_001
        self.timeout = try keys.value("timeout").map { try duration($0, "timeout", 0.1...600) } ?? .seconds(5)
        self.patience = try keys.value("patience").map { try duration($0, "patience", 0...600) } ?? .seconds(10)
        self.readAhead = try keys.value("read_ahead") ?? 4
        guard (1...16).contains(self.readAhead) else { throw PluginError(.invalid, "read_ahead: expected 1 to 16 requests") }
        let blankLines: String = try keys.value("blank_lines") ?? "keep"
        guard blankLines == "keep" || blankLines == "drop" else {
            throw PluginError(.invalid, "blank_lines: expected keep or drop")
        }
        self.dropsBlankLines = blankLines == "drop"
        self.isLocal = try keys.value("local") ?? false
        if self.isLocal, role == .master { throw PluginError(.invalid, "local: has a meaning on an agent only") }
        guard self.agentLogHostPort > 0 else { throw PluginError(.invalid, "agent_loghost_port: expected a port above 0") }
    }

    private static func agent(_ keys: StrictKeys) throws -> AgentAddress {
        let fixed: String? = try keys.value("agent")
        let script: String? = try keys.value("detect_ip")
        let port: UInt16 = try keys.value("agent_port") ?? 5051
        guard port > 0 else { throw PluginError(.invalid, "agent_port: expected a port above 0") }
        guard let fixed else {
            return .script(try absolutePath(script ?? "/opt/mesosphere/bin/detect_ip", "detect_ip"), port: port)
        }
        if script != nil { throw PluginError(.invalid, "detect_ip: has a meaning without agent only") }
        return .fixed(try Endpoint(fixed, defaultPort: port, "agent"))
    }
}

/// How servers are asked: plainly, or over TLS.
package struct ClientTLS: Sendable, Hashable {
    /// http or https.
    package var scheme = "http"
    /// PEM; empty = the system's authorities.
    package var caFile = ""
    /// PEM; empty = none.
    package var clientCertificate = ""
    package var clientKey = ""

    package init() {}

    fileprivate init(_ keys: StrictKeys) throws {
        self.scheme = try keys.value("scheme") ?? "http"
        guard self.scheme == "http" || self.scheme == "https" else {
            throw PluginError(.invalid, "scheme: expected http or https")
        }
        func file(_ key: String) throws -> String { try keys.value(key).map { try absolutePath($0, key) } ?? "" }
        self.caFile = try file("ca_file")
        self.clientCertificate = try file("client_certificate")
        self.clientKey = try file("client_key")
        let files = [("ca_file", self.caFile), ("client_certificate", self.clientCertificate), ("client_key", self.clientKey)]
        if self.scheme == "http", let (key, _) = files.first(where: { !$0.1.isEmpty }) {
            throw PluginError(.invalid, "\(key): has a meaning with scheme https only")
        }
        if self.clientCertificate.isEmpty != self.clientKey.isEmpty {
            throw PluginError(.invalid, "client_key: expected together with client_certificate")
        }
    }
}

/// A value, or a list of them.
private struct OneOrMore: Decodable {
    var values: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let one = try? container.decode(String.self) {
            self.values = [one]
        } else {
            self.values = try container.decode([String].self)
        }
        guard (1...16).contains(self.values.count) else { throw PluginError(.invalid, "master: expected 1 to 16 addresses") }
    }
}

func absolutePath(_ text: String, _ key: String) throws -> String {
    guard text.hasPrefix("/"), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
        throw PluginError(.invalid, "\(key): expected an absolute path")
    }
    var text = text[...]
    while text.count > 1, text.hasSuffix("/") { text.removeLast() }
    return String(text)
}

/// Reads `500ms`, `10s` or `5m`.
private func duration(_ text: String, _ key: String, _ range: ClosedRange<Double>) throws -> Duration {
    let units: [(suffix: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60)]
    for unit in units where text.hasSuffix(unit.suffix) {
        let digits = text.dropLast(unit.suffix.count)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Double(digits) else { break }
        guard range.contains(number * unit.seconds) else { break }
        return .seconds(number * unit.seconds)
    }
    throw PluginError(
        .invalid, "\(key): expected a duration such as 500ms or 10s, from \(range.lowerBound) to \(range.upperBound) s")
}
