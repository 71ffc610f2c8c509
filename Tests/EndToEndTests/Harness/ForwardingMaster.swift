/// A host of role master, as the tests ask it for what its agent S1 serves.
enum ForwardingMaster {
    /// Behind this the agent's routes begin: `/v1/…` and `/v2/…`.
    static let agent = "/system/v1/agent/S1/logs"

    /// The lines of its plugin, which reaches every agent at this port.
    static func plugin(_ sandboxes: Sandboxes, agentPort: UInt16, isGrantedCredential: Bool = false) -> [String] {
        let config = "role: master, master: \"127.0.0.1:\(sandboxes.ports.master)\", agent_loghost_port: \(agentPort)"
        return [
            "  - name: sandbox", "    library: libloghost-mesos-sandbox.so", "    credential: \(isGrantedCredential)",
            "    config: {\(config)}",
        ]
    }
}

/// Lends a host of role master before a port of this machine.
func withForwardingMaster<Value>(
    to port: UInt16, _ configure: (inout LogHostConfiguration) -> Void = { _ in },
    _ body: (LogHostProcess) async throws -> Value
) async throws -> Value {
    try await withSandboxes { sandboxes in
        try await sandboxes.set(#"{"slaves": [{"id": "S1", "pid": "slave(1)@127.0.0.1:5051"}]}"#)
        return try await withJournal { journal in
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.morePlugins = ForwardingMaster.plugin(sandboxes, agentPort: port)
            configure(&configuration)
            return try await withLogHost(configuration, body)
        }
    }
}

/// Lends a host of role master before a server that answers as the script says.
func withScriptedAgent(
    _ script: @escaping RawServer.Script, configure: (inout LogHostConfiguration) -> Void = { _ in },
    _ body: (LogHostProcess, RawServer) async throws -> Void
) async throws {
    try await withRawServer(script) { agent in
        try await withForwardingMaster(to: agent.port, configure) { master in try await body(master, agent) }
    }
}

/// Lends a host that forwards `/forward?LOCATION` to LOCATION.
func withForwardingSource(
    authorities: String = "", _ body: (LogHostProcess) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let library = "\(directory)/libforwarding.so"
        try await compilePlugin("Tests/Plugins/forwarding-source.c", to: library)
        try await withJournal { journal in
            try await journal.write((1...3).map { JournalEntry($0) })
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.morePlugins = [
                "  - name: forwarding", "    library: \(library)", "    config: {ca_file: \"\(authorities)\"}",
            ]
            try await withLogHost(configuration, body)
        }
    }
}
