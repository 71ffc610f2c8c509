internal import FoundationEssentials
internal import PluginKit

/// Finds tasks and agents by what people call them.
final class TaskLookup: Sendable {
    private struct Question: Hashable, Sendable {
        var token: String
        var text: String
    }

    private let tasks: SharedLookup<Question, MesosTask>
    private let agents: SharedLookup<Question, String>

    private static let lifetime = Duration.seconds(2)
    private static let smallCapacity = 4 << 20
    private static let stateCapacity = 64 << 20
    /// How many candidates an error names.
    private static let candidates = 20

    init(masters: Masters, background: Background) {
        // Its own memory: many names are looked for in one and the same state, which costs the master much.
        let states = SharedLookup<Question, MasterState>(lifetime: Self.lifetime, capacity: 16, background: background) {
            question in
            try await masters.get("/state", token: question.token, capacity: Self.stateCapacity, as: MasterState.self)
        }
        self.tasks = SharedLookup(lifetime: Self.lifetime, background: background) { question in
            let exact = try await masters.get(
                "/tasks?task_id=\(percentEncoded(question.text))", token: question.token, capacity: Self.smallCapacity,
                as: TaskList.self)
            // Ids come again, in other frameworks and later: what was heard of last is meant.
            if let task = exact.tasks.filter({ $0.id == question.text }).max(by: { $0.newest < $1.newest }) { return task }
            return try Self.find(question.text, in: await states(Question(token: question.token, text: "")))
        }
        self.agents = SharedLookup(lifetime: Self.lifetime, background: background) { question in
            let list = try await masters.get(
                "/slaves?slave_id=\(percentEncoded(question.text))", token: question.token, capacity: Self.smallCapacity,
                as: AgentList.self)
            guard let entry = list.slaves.first(where: { $0.id == question.text }) else {
                throw PluginError(.notFound, "There is no such agent.")
            }
            return try Self.host(entry.pid)
        }
    }

    /// Finds a task by its id, else the only one with this name or with this text in its id; those that run come first.
    func task(_ text: String, token: String) async throws -> MesosTask {
        try await self.tasks(Question(token: token, text: text))
    }

    /// The address of an agent, as it would stand in a URL but without a port.
    func host(ofAgent id: String, token: String) async throws -> String {
        try await self.agents(Question(token: token, text: id))
    }

    static func find(_ text: String, in state: MasterState) throws -> MesosTask {
        let (running, ended) = state.tasks
        for tasks in [running, ended] {
            var newest: [String: MesosTask] = [:]
            for task in tasks where task.id == text || task.name == text || task.id.contains(text) {
                if newest[task.id].map({ $0.newest < task.newest }) ?? true { newest[task.id] = task }
            }
            if let exact = newest[text] { return exact }
            if newest.count > 1 { throw Self.conflict(newest.keys.sorted()) }
            if let only = newest.values.first { return only }
        }
        // Whoever may not see a task is told the same.
        throw PluginError(.notFound, "There is no such task.")
    }

    private static func conflict(_ ids: [String]) -> PluginError {
        var named: [String] = []
        var detail = "[]"
        for id in ids.prefix(Self.candidates) {
            guard let json = try? JSONEncoder().encode(named + [id]), json.count <= 1_024 else { break }
            named.append(id)
            detail = String(decoding: json, as: UTF8.self)
        }
        return PluginError(.conflict, "\(ids.count) tasks have that in their name or id.", detail: detail)
    }

    /// Takes the address out of `slave(1)@10.0.0.7:5051`. Names of hosts need not be known anywhere.
    static func host(_ pid: String) throws -> String {
        let address = pid[(pid.firstIndex(of: "@").map { pid.index(after: $0) } ?? pid.startIndex)...]
        guard let colon = address.lastIndex(of: ":") else { throw Self.strange }
        var host = String(address[..<colon])
        if host.contains(":"), !host.hasPrefix("[") { host = "[\(host)]" }
        guard Endpoint("\(host):1", defaultPort: nil) != nil else { throw Self.strange }
        return host
    }

    private static let strange = PluginError(
        .upstream, "The Mesos master does not say where the agent is.", detail: MesosClient.Role.master.rawValue)
}
