/// A task as a master describes it.
struct MesosTask: Decodable, Hashable, Sendable {
    /// What a task has gone through.
    struct Status: Decodable, Hashable, Sendable {
        var state: String?
        var timestamp: Double?
        var containerStatus: ContainerStatus?

        private enum CodingKeys: String, CodingKey {
            case state, timestamp
            case containerStatus = "container_status"
        }
    }

    struct ContainerStatus: Decodable, Hashable, Sendable {
        var containerID: ContainerID?

        private enum CodingKeys: String, CodingKey { case containerID = "container_id" }
    }

    /// A container, and those it is nested in.
    struct ContainerID: Decodable, Hashable, Sendable {
        /// Outermost first.
        var path: [String]

        /// No cluster nests deeper, and nobody shall use up the stack.
        private static let depth = 32

        init(from decoder: any Decoder) throws {
            var path: [String] = []
            var values = try decoder.container(keyedBy: CodingKeys.self)
            while true {
                path.append(try values.decode(String.self, forKey: .value))
                guard values.contains(.parent), path.count < Self.depth else { break }
                values = try values.nestedContainer(keyedBy: CodingKeys.self, forKey: .parent)
            }
            self.path = path.reversed()
        }

        private enum CodingKeys: String, CodingKey { case value, parent }
    }

    var id: String
    var name: String?
    var framework: String
    var executor: String?
    var agent: String
    var state: String?
    var statuses: [Status]?

    private enum CodingKeys: String, CodingKey {
        case id, name, state, statuses
        case framework = "framework_id"
        case executor = "executor_id"
        case agent = "slave_id"
    }

    /// When it was heard of last.
    var newest: Double { (self.statuses ?? []).compactMap(\.timestamp).max() ?? 0 }

    /// Where it runs or ran; nil before the first word of it.
    private var containers: [String]? {
        let known = (self.statuses ?? []).filter { $0.containerStatus?.containerID != nil }
        return known.max { ($0.timestamp ?? 0) < ($1.timestamp ?? 0) }?.containerStatus?.containerID?.path
    }

    /// Its sandbox. A command has no executor of its own: that has the task's name. A task in a nested container is a pod's.
    var sandbox: Sandbox? {
        guard let containers, let run = containers.first else { return nil }
        let executor = self.executor.flatMap { $0.isEmpty ? nil : $0 } ?? self.id
        return Sandbox(
            framework: self.framework, executor: executor, containers: [run], task: containers.count > 1 ? self.id : nil)
    }
}

/// What `/tasks` answers.
struct TaskList: Decodable, Sendable {
    var tasks: [MesosTask]
}

/// What a master's `/state` says of tasks.
struct MasterState: Decodable, Sendable {
    struct Framework: Decodable, Sendable {
        var tasks: [MesosTask]?
        var unreachableTasks: [MesosTask]?
        var completedTasks: [MesosTask]?

        private enum CodingKeys: String, CodingKey {
            case tasks
            case unreachableTasks = "unreachable_tasks"
            case completedTasks = "completed_tasks"
        }
    }

    var frameworks: [Framework]?
    var completedFrameworks: [Framework]?

    private enum CodingKeys: String, CodingKey {
        case frameworks
        case completedFrameworks = "completed_frameworks"
    }

    /// Tasks that run, and all others.
    var tasks: (running: [MesosTask], ended: [MesosTask]) {
        var running: [MesosTask] = []
        var ended: [MesosTask] = []
        for framework in self.frameworks ?? [] {
            for task in framework.tasks ?? [] {
                if TaskState.isTerminal(task.state) { ended.append(task) } else { running.append(task) }
            }
            ended += (framework.unreachableTasks ?? []) + (framework.completedTasks ?? [])
        }
        for framework in self.completedFrameworks ?? [] {
            ended += (framework.tasks ?? []) + (framework.unreachableTasks ?? []) + (framework.completedTasks ?? [])
        }
        return (running, ended)
    }
}

/// What `/slaves` answers.
struct AgentList: Decodable, Sendable {
    struct Entry: Decodable, Sendable {
        var id: String
        /// `slave(1)@10.0.0.7:5051`.
        var pid: String
    }

    var slaves: [Entry]
}
