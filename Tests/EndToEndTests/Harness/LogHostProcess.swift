internal import Glibc
internal import Synchronization
internal import Testing

/// A running `loghost serve`.
final class LogHostProcess: Sendable {
    enum Transport: Sendable { case unix, tcp }

    let child: ChildProcess
    let socket: String
    let port: UInt16?
    let configurationFile: String
    private let output: CapturedOutput
    /// What was asked and answered, for `checkAnswers`.
    private let answers = Mutex<[(request: HTTPRequest, head: HTTPHead, body: [UInt8]?)]>([])

    fileprivate init(_ configuration: LogHostConfiguration, directory: String) throws {
        let products = try Products.directory
        self.socket = "\(directory)/loghost.sock"
        self.port = configuration.listensOnTCP ? try ServerAddress.freePort() : nil
        let file = "\(directory)/loghost.yaml"
        self.configurationFile = file
        try writeFile(file, Array(configuration.yaml(socket: self.socket, port: self.port, plugins: products).utf8))
        let pipe = try Descriptor.pipe()
        self.output = CapturedOutput(pipe.reading)
        let arguments = configuration.launcher + ["\(products)/loghost", "serve", "--config", file] + configuration.options
        self.child = try ChildProcess(arguments, output: pipe.writing)
    }

    /// What it has said so far. It writes what it says within milliseconds, not at once.
    var log: String {
        usleep(100_000)
        return self.output.string
    }

    /// Replaces text in its configuration file, which it does not notice by itself.
    func configure(_ old: String, _ new: String) throws {
        let text = String(decoding: try readFile(self.configurationFile), as: UTF8.self)
        guard text.contains(old) else { throw HarnessError("\(old) is not in the configuration") }
        try writeFile(self.configurationFile, Array(text.replacing(old, with: new).utf8))
    }

    /// Waits until it has said something so many times.
    func wait(for text: String, count: Int = 1) async throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while self.log.ranges(of: text).count < count {
            guard ContinuousClock.now < deadline else { throw HarnessError("loghost has not said \(text) within 15 s") }
        }
    }

    /// The memory that is its own, in bytes.
    var anonymousMemory: Int {
        get throws {
            let status = String(decoding: try readFile("/proc/\(self.child.pid)/status"), as: UTF8.self)
            let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
            guard let kilobytes = line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap({ Int($0) })
            else {
                throw HarnessError("the kernel does not say how much memory the process has")
            }
            return kilobytes << 10
        }
    }

    func address(_ transport: Transport) throws -> ServerAddress {
        guard transport == .tcp else { return .unix(path: self.socket) }
        guard let port else { throw HarnessError("this server does not listen on TCP") }
        return .tcp(port: port)
    }

    /// Lends a connection to work that blocks, on a thread of its own. Expectations belong outside.
    func connect<Value: Sendable>(
        over transport: Transport = .unix, within limit: Duration = .seconds(20), receiveBuffer: Int32? = nil,
        _ body: @escaping @Sendable (HTTPConnection) throws -> Value
    ) async throws -> Value {
        let address = try self.address(transport)
        return try await blocking { try body(HTTPConnection(address, within: limit, receiveBuffer: receiveBuffer)) }
    }

    /// Sends one request on a connection of its own and reads the whole answer.
    func send(_ request: HTTPRequest, over transport: Transport = .unix, within limit: Duration = .seconds(20)) async throws
        -> HTTPAnswer
    {
        try await self.connect(over: transport, within: limit) { connection in
            let answer = try connection.exchange(request)
            self.record(request, answer.head, answer.body.count < 10_000 ? answer.body : nil)
            return answer
        }
    }

    func get(
        _ target: String, accept: String? = nil, headers: [String: String] = [:], over transport: Transport = .unix
    ) async throws -> HTTPAnswer {
        try await self.send(HTTPRequest(target, accept: accept, headers: headers), over: transport)
    }

    /// Sends a request, reads the answer's head and lends the rest; then goes away in the middle of it.
    func open<Value: Sendable>(
        _ request: HTTPRequest, over transport: Transport = .unix, within limit: Duration = .seconds(20),
        receiveBuffer: Int32? = nil, _ body: @escaping @Sendable (HTTPHead, HTTPConnection) throws -> Value
    ) async throws -> Value {
        try await self.connect(over: transport, within: limit, receiveBuffer: receiveBuffer) { connection in
            try connection.send(request)
            let head = try connection.readHead()
            self.record(request, head, nil)
            return try body(head, connection)
        }
    }

    private func record(_ request: HTTPRequest, _ head: HTTPHead, _ body: [UInt8]?) {
        self.answers.withLock { if $0.count < 2_000 { $0.append((request, head, body)) } }
    }

    /// Holds its answers against its own description, where it gives that to anybody.
    fileprivate func checkAnswers() async throws {
        guard self.child.exit == nil, let answer = try? await self.get("/openapi.json"), answer.status == 200 else { return }
        let description = try ServerDescription(JSONValue(answer.text))
        for (request, head, body) in self.answers.withLock({ $0 }) {
            let objection = description.objection(to: head, body: body, of: request)
            #expect(objection == nil, "\(request.method) \(request.target)")
        }
    }

    fileprivate func waitUntilReady() async throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < deadline {
            if let exit = self.child.exit { throw HarnessError("loghost did not start: \(exit)") }
            if let answer = try? await self.get("/healthz"), answer.status == 200 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw HarnessError("loghost was not ready after 15 s")
    }
}

/// Lends a running server, then stops it as a service manager would; it must exit as told. Nothing of it survives a failure.
func withLogHost<Value>(
    _ configuration: LogHostConfiguration, exit expected: ChildProcess.Exit? = .status(0),
    _ body: (LogHostProcess) async throws -> Value
) async throws -> Value {
    try await withTemporaryDirectory { directory in
        let server = try LogHostProcess(configuration, directory: directory)
        defer { server.child.kill() }
        do {
            try await server.waitUntilReady()
            let value = try await body(server)
            try await server.checkAnswers()
            server.child.send(SIGTERM)
            let exit = try await server.child.waitForExit(within: .seconds(15))
            if let expected { #expect(exit == expected, "loghost must stop cleanly on SIGTERM; it said:\n\(server.log)") }
            return value
        } catch {
            Issue.record("loghost (\(server.child.exit?.description ?? "running")) said:\n\(server.log)")
            throw error
        }
    }
}

/// Where the program and its libraries are.
enum Products {
    static var directory: String {
        get throws {
            if let path = unsafe getenv("LOGHOST_PRODUCTS") { return try self.checked(unsafe String(cString: path)) }
            var characters = [CChar](repeating: 0, count: 4096)
            let count = unsafe readlink("/proc/self/exe", &characters, characters.count)
            guard count > 0 else { throw HarnessError(call: "readlink /proc/self/exe") }
            let path = String(decoding: characters.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return try self.checked(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        }
    }

    private static func checked(_ path: String) throws -> String {
        for file in ["loghost", "libloghost-journald.so", "libloghost-encoders.so"] where !fileExists("\(path)/\(file)") {
            throw HarnessError("\(path)/\(file) is missing; build everything first, or set LOGHOST_PRODUCTS")
        }
        return path
    }
}
