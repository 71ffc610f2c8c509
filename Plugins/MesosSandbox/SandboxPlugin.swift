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

    package init(configuration: SandboxConfiguration, host: Host) throws {
        self.init(configuration: configuration, isAuthorizing: host.authorizes) { try await host.fetch($0) }
    }

    /// Makes an instance that asks through `fetch`, as tests do.
    init(
        configuration: SandboxConfiguration, isAuthorizing: Bool,
        fetch: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        self.configuration = configuration
        let client = MesosClient(tls: configuration.tls, timeout: configuration.timeout, fetch: fetch)
        if configuration.role == .master {
            let masters = Masters(client: client, endpoints: configuration.masters, resolve: resolvedAddresses)
            self.agent = nil
            self.authorizer = nil
            self.asyncSource = MasterSource(
                lookup: TaskLookup(masters: masters, background: self.background), settings: configuration)
        } else {
            let agent = Agent(client: client, workDirectory: configuration.workDirectory, background: self.background)
            self.agent = agent
            self.authorizer = SandboxProbe(agent: agent, background: self.background)
            self.asyncSource = AgentSource(
                agent: agent, settings: configuration, isAuthorizing: isAuthorizing, background: self.background
            ) { token in
                RemoteFiles(agent: agent, token: token)
            }
        }
    }

    package func start() throws {
        guard let agent else { return }
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
        self.background.end()
    }
}
