import Glibc
import Testing

/// A Mesos agent and a master, as `Tests/Mesos/standin.py` stands in for them, with one sandbox on disk.
struct Sandboxes: Sendable {
    /// Where the stand-in listens.
    struct Ports: Sendable {
        var agent: UInt16
        var masters: [UInt16]
        var control: UInt16

        var master: UInt16 { self.masters[0] }
    }

    static let base = "/v2/task/frameworks/F1/executors/E1/runs/C1"

    let ports: Ports
    /// The sandbox.
    let directory: String

    func path(_ name: String) -> String { "\(self.directory)/\(name)" }

    func write(_ bytes: some Collection<UInt8>, to name: String) throws { try writeFile(self.path(name), Array(bytes)) }

    func write(_ text: String, to name: String) throws { try self.write(text.utf8, to: name) }

    func append(_ text: String, to name: String) throws {
        let number = unsafe open(self.path(name), O_WRONLY | O_APPEND | O_CLOEXEC)
        guard number >= 0 else { throw HarnessError(call: "open \(name)") }
        try Descriptor(number).write(Array(text.utf8), by: .now + .seconds(10))
    }

    func rename(_ name: String, to newName: String) throws {
        guard unsafe Glibc.rename(self.path(name), self.path(newName)) == 0 else { throw HarnessError(call: "rename \(name)") }
    }

    /// Tells the stand-in how to behave.
    func set(_ settings: String) async throws { try await self.post("set", settings) }

    /// Lets requests wait.
    func pause(_ rule: String) async throws { try await self.post("pause", rule) }

    /// Waits until so many requests are held.
    func waitForHeld(_ count: UInt64 = 1) async throws {
        for _ in 0..<200 {
            if try await self.stats()["held"] == .unsigned(count) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw HarnessError("no request is held")
    }

    /// Lets go who is held.
    func resume() async throws { try await self.post("resume", "{}") }

    private func post(_ action: String, _ body: String) async throws {
        let (exit, output) = try await run([
            "curl", "-sS", "--fail-with-body", "-X", "POST", "-d", body, "http://127.0.0.1:\(self.ports.control)/\(action)",
        ])
        try #require(exit == .status(0), "\(output)")
    }

    /// What it has seen.
    func stats(requests: Int = 10) async throws -> JSONValue {
        let (exit, output) = try await run([
            "curl", "-sS", "http://127.0.0.1:\(self.ports.control)/stats?requests=\(requests)",
        ])
        try #require(exit == .status(0), "\(output)")
        return try JSONValue(output)
    }
}

/// Lends the stand-in. What no Mesos survives must not have been asked of it.
func withSandboxes<Value>(masters: Int = 1, _ body: (Sandboxes) async throws -> Value) async throws -> Value {
    try await withTemporaryDirectory { root in
        let directory = "\(root)/slaves/S1/frameworks/F1/executors/E1/runs/C1"
        var path = root
        for part in directory.dropFirst(root.count + 1).split(separator: "/") {
            path += "/\(part)"
            unsafe mkdir(path, 0o755)
        }
        let input = try Descriptor.pipe()
        // Its reader is another program, which waits for the end.
        _ = fcntl(input.reading.number, F_SETFL, 0)
        let output = try Descriptor.pipe()
        let captured = CapturedOutput(output.reading)
        let script = String(#filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }) + "/Mesos/standin.py"
        let child = try ChildProcess(
            ["python3", "-B", script, "--root", root, "--masters", "\(masters)"], input: input.reading, output: output.writing)
        defer { child.kill() }
        let sandboxes = Sandboxes(ports: try await Sandboxes.Ports(from: captured), directory: directory)
        let value = try await body(sandboxes)
        let stats = try await sandboxes.stats(requests: 0)
        for name in ["errors", "hazard", "broken_escape"] { #expect(stats[name] == .unsigned(0), "\(name)") }
        // It ends with its standard input, which is kept open until here.
        try input.writing.write([0x0A], by: .now + .seconds(5))
        return value
    }
}

extension Sandboxes.Ports {
    fileprivate init(from output: CapturedOutput) async throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < deadline {
            if output.string.contains("\n"), let json = try? JSONValue(output.string) {
                func port(_ value: JSONValue?) throws -> UInt16 {
                    guard let port = value?.unsigned.flatMap({ UInt16(exactly: $0) }) else {
                        throw HarnessError("the stand-in did not say its port: \(output.string)")
                    }
                    return port
                }
                guard case .array(let masters) = json["masters"] else { throw HarnessError("the stand-in has no masters") }
                self.init(
                    agent: try port(json["agent"]), masters: try masters.map { try port($0) }, control: try port(json["control"]))
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw HarnessError("the stand-in did not start: \(output.string)")
    }
}

/// How the program under test comes by the files.
enum SandboxReading: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// It asks the agent.
    case remote
    /// It reads the disk.
    case local

    var testDescription: String { self.rawValue }
}

/// Lends a server that gives out the sandbox of a stand-in.
func withSandboxServer(
    _ config: String = "", _ reading: SandboxReading = .remote, _ body: (LogHostProcess, Sandboxes) async throws -> Void
) async throws {
    try await withSandboxes { sandboxes in
        try await withServer(of: sandboxes, config, reading) { server in try await body(server, sandboxes) }
    }
}

/// Lends a server that gives out a sandbox. Reading the disk needs a principal: whoever runs the tests is one.
func withServer(
    of sandboxes: Sandboxes, _ config: String = "", _ reading: SandboxReading = .remote,
    authorizers: String = "[token, sandbox]",
    _ body: (LogHostProcess) async throws -> Void
) async throws {
    try await withJournal { journal in
        try await withTemporaryDirectory { directory in
            let file = "\(directory)/principals.yaml"
            try writeFile(file, Array("principals: [{name: tester, uid: \(geteuid())}]".utf8))
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.morePlugins = [
                "  - name: sandbox", "    library: libloghost-mesos-sandbox.so",
                "    config: {role: agent, agent: \"127.0.0.1:\(sandboxes.ports.agent)\"\(config)"
                    + (reading == .local ? ", local: true}" : "}"),
            ]
            if reading == .local {
                configuration.morePlugins += [
                    "  - name: token", "    library: libloghost-auth-token.so", "    config: {file: \(file)}",
                ]
                configuration.more = ["authorizers: \(authorizers)"]
            }
            try await withLogHost(configuration) { server in try await body(server) }
        }
    }
}
