package import PluginKit

/// Logs of Mesos tasks: on an agent the files of its sandboxes, on a master the way to them.
package struct SandboxPlugin: Plugin {
    package static let name = "mesos-sandbox"
    package static let version = "0.1.0"
    package static let summary = "Files of Mesos sandboxes as logs, and the way from tasks to them"
    package static let usesCredential = true

    package let asyncSource: (any AsyncLogSource)?
    package let authorizer: (any Authorizer)?
    private let configuration: SandboxConfiguration
    private let background = Background()
    /// Nil on a master.
    private let agent: Agent?
    /// Nil unless sandboxes are read from this node's disk.
    private let disk: LocalDisk?
    private let host: Host

    package init(configuration: SandboxConfiguration, host: Host) throws {
        guard !configuration.isLocal || host.authorizes else {
            throw PluginError(.invalid, "local: has a meaning only where this plugin is one of the authorizers")
        }
        self.configuration = configuration
        self.host = host
        let background = self.background
        let client = MesosClient(tls: configuration.tls, timeout: configuration.timeout) { try await host.fetch($0) }
        if configuration.role == .master {
            let masters = Masters(client: client, endpoints: configuration.masters, resolve: resolvedAddresses)
            self.agent = nil
            self.disk = nil
            self.authorizer = nil
            self.asyncSource = MasterSource(
                lookup: TaskLookup(masters: masters, background: background), settings: configuration)
            return
        }
        let agent = Agent(client: client, workDirectory: configuration.workDirectory, background: background)
        let disk = configuration.isLocal ? LocalDisk(changes: try DirectoryChanges()) : nil
        self.agent = agent
        self.disk = disk
        self.authorizer = SandboxProbe(agent: agent, guarded: disk == nil ? nil : host.name, background: background)
        self.asyncSource = AgentSource(
            agent: agent, settings: configuration, isAuthorizing: host.authorizes, background: background
        ) { sandbox, identity, token in
            if let disk { LocalFiles(sandbox, on: identity, disk: disk) } else { RemoteFiles(agent: agent, token: token) }
        }
    }

    package func start() throws {
        guard let agent else { return }
        try self.disk?.changes.start(self.host)
        switch self.configuration.agent {
        case .fixed(let endpoint): agent.begin(at: endpoint)
        case .script(let program, let port): agent.begin(at: Endpoint(host: try detectAddress(program), port: port))
        }
    }

    /// Mesos itself is not asked: that needs somebody's token.
    package func health() -> [HealthCheck] {
        guard let agent else { return [] }
        return [HealthCheck("agent", isReady: agent.isKnown, message: agent.isKnown ? "" : "The Mesos agent is not known yet.")]
    }

    package func stop() {
        self.disk?.changes.stop()
        self.background.end()
        self.disk?.threads.stop()
    }
}
