internal import PluginKit

/// Who an agent is, and where its sandboxes lie.
struct AgentIdentity: Hashable, Sendable {
    var id: String
    /// Absolute, without a slash at the end.
    var workDirectory: String

    /// Where DC/OS has it.
    private static let usualWorkDirectory = "/var/lib/mesos/slave"

    init(id: String, workDirectory: String) {
        self.id = id
        self.workDirectory = workDirectory
    }

    init(_ state: AgentState, workDirectory: String?) throws {
        // Flags may be hidden from the caller; where executors lie is not.
        let directory = workDirectory ?? state.flags?.workDirectory ?? state.workDirectory ?? Self.usualWorkDirectory
        guard directory.hasPrefix("/") else {
            throw PluginError(.unavailable, "The Mesos agent does not say where its sandboxes are.")
        }
        self.id = state.id
        var path = directory[...]
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.workDirectory = String(path)
    }
}

/// What the agent's `/state` says, as far as it matters here.
struct AgentState: Decodable, Sendable {
    struct Flags: Decodable, Sendable {
        var workDirectory: String?

        private enum CodingKeys: String, CodingKey { case workDirectory = "work_dir" }
    }

    struct Framework: Decodable, Sendable {
        var id: String
        var executors: [Executor]?
        var completedExecutors: [Executor]?

        private enum CodingKeys: String, CodingKey {
            case id, executors
            case completedExecutors = "completed_executors"
        }
    }

    struct Executor: Decodable, Sendable {
        var id: String
        var container: String
        /// Its sandbox.
        var directory: String?
        var tasks: [Task]?
        var completedTasks: [Task]?

        private enum CodingKeys: String, CodingKey {
            case id, container, directory, tasks
            case completedTasks = "completed_tasks"
        }
    }

    struct Task: Decodable, Sendable {
        var id: String
        var state: String?
    }

    var id: String
    var flags: Flags?
    var frameworks: [Framework]?
    var completedFrameworks: [Framework]?

    private enum CodingKeys: String, CodingKey {
        case id, flags, frameworks
        case completedFrameworks = "completed_frameworks"
    }

    /// The work directory, as the first executor's sandbox shows it.
    var workDirectory: String? {
        for framework in (self.frameworks ?? []) + (self.completedFrameworks ?? []) {
            for executor in (framework.executors ?? []) + (framework.completedExecutors ?? []) {
                guard let directory = executor.directory, let end = directory.firstRange(of: "/slaves/\(self.id)/") else {
                    continue
                }
                return String(directory[..<end.lowerBound])
            }
        }
        return nil
    }

    /// True when the agent says that nothing will be written to a sandbox any more. What it does not mention may only be hidden from
    /// the caller: that is no end.
    func hasEnded(_ sandbox: Sandbox) -> Bool {
        guard let container = sandbox.containers.first else { return false }
        func isSought(_ executor: Executor) -> Bool { executor.id == sandbox.executor && executor.container == container }
        let running = (self.frameworks ?? []).filter { $0.id == sandbox.framework }
        let ended = (self.completedFrameworks ?? []).filter { $0.id == sandbox.framework }
        for executor in running.flatMap({ $0.executors ?? [] }) where isSought(executor) {
            guard let task = sandbox.task else { return false }
            if executor.tasks?.contains(where: { $0.id == task }) ?? false { return false }
            return executor.completedTasks?.contains { $0.id == task && TaskState.isTerminal($0.state) } ?? false
        }
        let completed = (running + ended).flatMap { ($0.completedExecutors ?? []) } + ended.flatMap { $0.executors ?? [] }
        return completed.contains(where: isSought)
    }
}

/// The states of Mesos' tasks.
enum TaskState {
    private static let terminal: Set<String> = [
        "TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED", "TASK_GONE",
        "TASK_GONE_BY_OPERATOR",
    ]

    /// True when a task in this state runs nowhere and never will.
    static func isTerminal(_ state: String?) -> Bool { state.map { self.terminal.contains($0) } ?? false }
}
