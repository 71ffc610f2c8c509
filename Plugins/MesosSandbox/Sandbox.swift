internal import PluginKit

/// One sandbox of an agent, as routes name it.
struct Sandbox: Hashable, Sendable {
    var framework: String
    var executor: String
    /// The container, and those it is nested in, outermost first.
    var containers: [String]
    /// The task of a pod, whose directory lies in that of its executor.
    var task: String?

    /// Takes the variables of a request; nil where they name no sandbox. Throws 400 for what cannot be an id.
    init?(_ variables: [(name: String, value: String)]) throws {
        func variable(_ name: String) -> String? { variables.first { $0.name == name }?.value }
        guard let framework = variable("framework_id"), let executor = variable("executor_id"),
            let container = variable("container_id")
        else { return nil }
        self.framework = try checked(framework, "framework_id")
        self.executor = try checked(executor, "executor_id")
        // A journal names a nested container in one word.
        self.containers = try container.split(separator: ".", omittingEmptySubsequences: false).map {
            try checked(String($0), "container_id")
        }
        self.task = try variable("task_path").map { try checked($0, "task_path") }
    }

    init(framework: String, executor: String, containers: [String], task: String? = nil) {
        self.framework = framework
        self.executor = executor
        self.containers = containers
        self.task = task
    }

    /// Its directory below the agent's work directory.
    func directory(on agent: AgentIdentity) -> String {
        ([agent.workDirectory] + self.runSteps(on: agent) + (self.task.map { ["tasks", $0] } ?? [])).joined(separator: "/")
    }

    /// The way from the agent's work directory to its executor's run.
    func runSteps(on agent: AgentIdentity) -> [String] {
        ["slaves", agent.id, "frameworks", self.framework, "executors", self.executor, "runs"]
            + self.containers.map { [$0] }.joined(separator: ["containers"])
    }

    /// Its executor's run, which lies around it.
    var run: Sandbox {
        var run = self
        run.task = nil
        return run
    }
}

/// Ids may hold anything but control characters, which no path of a request has, and slashes of either kind.
private func checked(_ id: String, _ name: String) throws -> String {
    guard !id.isEmpty, id != ".", id != "..", !id.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
    else { throw PluginError(.invalid, "\(name): expected an id without a slash") }
    return id
}

/// A file of a sandbox.
struct SandboxFile: Hashable, Sendable {
    var sandbox: Sandbox
    /// Relative to the sandbox: one or more segments.
    var path: String

    /// Takes the variables of a request. Throws 400 for a path with an empty segment, `.` or `..`.
    init(_ variables: [(name: String, value: String)], path: String) throws {
        guard let sandbox = try Sandbox(variables) else { throw PluginError(.internalFault, "The route has no sandbox.") }
        self.sandbox = sandbox
        self.path = try checkedPath(path)
    }

    /// Its name within its directory.
    var name: String { pathSegments(self.path).last ?? "" }

    /// Where its directory is.
    func directory(on agent: AgentIdentity) -> String {
        ([self.sandbox.directory(on: agent)] + pathSegments(self.path).dropLast()).joined(separator: "/")
    }

    /// What names it among all files of this agent.
    var topic: String {
        let ids =
            [self.sandbox.framework, self.sandbox.executor] + self.sandbox.containers + [self.sandbox.task ?? "", self.path]
        return ids.joined(separator: "\u{1F}")
    }

    /// What every line of it says beside its text.
    func fields(on agent: AgentIdentity) -> [(name: String, value: String)] {
        [
            ("AGENT_ID", agent.id), ("FRAMEWORK_ID", self.sandbox.framework), ("EXECUTOR_ID", self.sandbox.executor),
            ("CONTAINER_ID", self.sandbox.containers.joined(separator: ".")), ("FILE", self.path),
        ]
    }
}

/// Checks a file's path, which may have come with its slashes encoded.
func checkedPath(_ path: String) throws -> String {
    guard pathSegments(path).allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
        throw PluginError(.invalid, "file: expected the path of a file in the sandbox, without empty segments, . and ..")
    }
    return path
}
