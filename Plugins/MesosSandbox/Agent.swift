internal import FoundationEssentials
internal import PluginKit
internal import Synchronization

/// The agent of this node.
final class Agent: Sendable {
    /// What is asked, and with whose token.
    struct Question: Hashable, Sendable {
        var token: String
        var text = ""
    }

    let client: MesosClient
    private let late = LateEndpoint()
    let listings: SharedLookup<Question, [FileFacts]>
    let states: SharedLookup<Question, AgentState>
    private let identities: SharedLookup<Question, AgentIdentity>
    /// True once a read has given as much as was asked for at most.
    private let wholeReads = Atomic(false)

    var givesWholeReads: Bool { self.wholeReads.load(ordering: .relaxed) }

    /// The agent carries reads out one after the other anyway, and the host lets no more than 256 requests of a plugin be open.
    private let turns = Turns(128, capacity: 4_096)

    private static let listingCapacity = 16 << 20
    private static let stateCapacity = 64 << 20

    init(client: MesosClient, workDirectory: String?, background: Background) {
        self.client = client
        let endpoint = self.late
        self.listings = SharedLookup(lifetime: .seconds(2), background: background) { question in
            try await Self.list(question, client, endpoint.required())
        }
        let states = SharedLookup<Question, AgentState>(lifetime: .seconds(2), capacity: 64, background: background) { question in
            try await Self.state(question, client, endpoint.required())
        }
        self.states = states
        self.identities = SharedLookup(lifetime: .seconds(60), background: background) { question in
            try await AgentIdentity(states(question), workDirectory: workDirectory)
        }
    }

    /// Says where the agent is. Before that nothing can be asked.
    func begin(at endpoint: Endpoint) { self.late.set(endpoint) }

    /// True when it can be asked.
    var isKnown: Bool { self.late.isSet }

    /// Who the agent is; from memory when that is known.
    func identity(token: String) async throws -> AgentIdentity { try await self.identities(Question(token: token)) }

    /// Asks the agent anew who it is: it has another name after a restart that lost its own.
    func freshIdentity(token: String) async throws -> AgentIdentity {
        try await self.identities.fresh(Question(token: token))
    }

    /// Asks for bytes of a file.
    func read(_ path: String, at offset: UInt64, length: Int, token: String) async throws -> [UInt8] {
        guard offset <= UInt64(Int64.max) else { return [] }
        // No HEAD, which sends a body, and no length above what the agent keeps to anyway.
        let response = try await self.turns.take {
            try await self.client.get(
                "/files/read?path=\(percentEncoded(path))&offset=\(offset)&length=\(length)", at: self.late.required(),
                as: .agent,
                token: token, capacity: 6 * length + 1_024)
        }
        guard response.status == 200 else { throw MesosClient.failure(response.status, .agent, "The file") }
        // What a directory or a link out of the sandbox answers is no concern of the client's: it names paths.
        guard let answer = ReadAnswer(response.body), answer.data.count <= length else { throw Agent.garbage }
        if answer.data.count == RemoteFiles.capacity { self.wholeReads.store(true, ordering: .relaxed) }
        return answer.data
    }

    static let garbage = PluginError(.upstream, "The Mesos agent gave an answer that cannot be read.", detail: "Mesos agent")

    private static func list(_ question: Question, _ client: MesosClient, _ endpoint: Endpoint) async throws -> [FileFacts] {
        let response = try await client.get(
            "/files/browse?path=\(percentEncoded(question.text))", at: endpoint, as: .agent, token: question.token,
            capacity: Self.listingCapacity)
        guard response.status == 200 else { throw MesosClient.failure(response.status, .agent, "The directory") }
        guard let list = decoded([FileFacts].self, response.body) else { throw Agent.garbage }
        return list
    }

    private static func state(_ question: Question, _ client: MesosClient, _ endpoint: Endpoint) async throws -> AgentState {
        let response = try await client.get(
            "/state", at: endpoint, as: .agent, token: question.token, capacity: Self.stateCapacity)
        guard response.status == 200 else { throw MesosClient.failure(response.status, .agent, "The agent's state") }
        guard let state = decoded(AgentState.self, response.body) else { throw Agent.garbage }
        return state
    }
}

/// An address that is known only when the plugin has started.
private final class LateEndpoint: Sendable {
    private let endpoint = Mutex<Endpoint?>(nil)

    func set(_ endpoint: Endpoint) { self.endpoint.withLock { $0 = endpoint } }

    var isSet: Bool { self.endpoint.withLock { $0 != nil } }

    func required() throws -> Endpoint {
        guard let endpoint = self.endpoint.withLock({ $0 }) else {
            throw PluginError(.unavailable, "The Mesos agent is not known yet.")
        }
        return endpoint
    }
}
