import Testing

/// Masters that do not lead, fail or are slow: who is asked instead, and what the client is told.
@Suite struct MasterFailureTests {
    /// Lends a host that asks those of three masters that are named, in this order.
    private static func withMasters(
        _ configured: [Int], _ settings: String, _ body: (LogHostProcess, Sandboxes) async throws -> Void
    ) async throws {
        try await withSandboxes(masters: 3) { sandboxes in
            try await sandboxes.set(#"{"tasks": [{"id": "web", "framework_id": "F1", "container": "C1", "slave_id": "S1"}]}"#)
            var settings = settings
            for (number, port) in sandboxes.ports.masters.enumerated() {
                settings = settings.split(separator: "PORT\(number)", omittingEmptySubsequences: false).joined(
                    separator: "\(port)")
            }
            try await sandboxes.set(settings)
            try await withJournal { journal in
                let masters = configured.map { "\"127.0.0.1:\(sandboxes.ports.masters[$0])\"" }.joined(separator: ", ")
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.morePlugins = [
                    "  - name: sandbox", "    library: libloghost-mesos-sandbox.so",
                    "    config: {role: master, master: [\(masters)], timeout: 500ms}",
                ]
                try await withLogHost(configuration) { server in try await body(server, sandboxes) }
            }
        }
    }

    /// How often each master was asked for the task.
    private static func asked(_ sandboxes: Sandboxes) async throws -> [UInt64] {
        let endpoints = try await sandboxes.stats()["endpoints"]
        return (0..<3).map { endpoints?["master\($0) /tasks"]?["requests"]?.unsigned ?? 0 }
    }

    private struct Case: Sendable {
        var what: String
        var configured: [Int]
        var settings: String
        var status: Int
        var asked: [UInt64]
    }

    private static let cases: [Case] = [
        Case(what: "the leader", configured: [0, 1, 2], settings: "{}", status: 303, asked: [1, 0, 0]),
        Case(what: "a redirect to a configured master", configured: [1, 0], settings: "{}", status: 303, asked: [1, 1, 0]),
        Case(what: "a redirect to one that is not", configured: [1], settings: "{}", status: 502, asked: [0, 1, 0]),
        Case(
            what: "a redirect to another server", configured: [1, 0], settings: #"{"redirect": "127.0.0.1:9"}"#, status: 303,
            asked: [1, 1, 0]),
        Case(
            what: "a redirect to another server, and nobody else to ask", configured: [1],
            settings: #"{"redirect": "127.0.0.1:9"}"#, status: 502, asked: [0, 1, 0]),
        Case(
            what: "a redirect to the leader's name", configured: [1, 0], settings: #"{"redirect": "localhost:PORT0"}"#,
            status: 303,
            asked: [1, 1, 0]),
        Case(
            what: "masters that lead to one another", configured: [1, 2], settings: #"{"redirect": "127.0.0.1:PORT1"}"#,
            status: 502,
            asked: [0, 3, 1]),
        Case(
            what: "a loop before the leader", configured: [1, 0], settings: #"{"redirect": "127.0.0.1:PORT1"}"#, status: 303,
            asked: [1, 2, 0]),
        Case(what: "nobody leads", configured: [0, 1], settings: #"{"leader": null}"#, status: 502, asked: [1, 1, 0]),
        Case(
            what: "the first is down", configured: [0, 1], settings: #"{"down": ["master0"], "leader": 1}"#, status: 303,
            asked: [0, 1, 0]),
        Case(
            what: "all are down", configured: [0, 1, 2], settings: #"{"down": ["master0", "master1", "master2"]}"#, status: 502,
            asked: [0, 0, 0]),
        Case(
            what: "the leader hangs, and all lead to it", configured: [1, 2, 0],
            settings: #"{"fail": [{"match": "/tasks", "server": "master0", "status": "hang"}]}"#, status: 504, asked: [1, 1, 1]),
    ]

    @Test(arguments: Self.cases.indices)
    func `who leads is asked, and nobody who is no master`(number: Int) async throws {
        let this = Self.cases[number]
        try await Self.withMasters(this.configured, this.settings) { server, sandboxes in
            let answer = try await server.get("/v2/task/web")
            #expect(answer.status == this.status, "\(this.what): \(answer.status)")
            #expect(try await Self.asked(sandboxes) == this.asked, "\(this.what)")
            #expect(!answer.text.contains("127.0.0.1") && !server.log.contains("127.0.0.1:\(sandboxes.ports.master)"))
        }
    }

    @Test func `what the master answers is what the client is told`() async throws {
        let cases: [(failure: String, status: Int)] = [
            ("401", 401), ("403", 403), ("404", 404), ("400", 502), ("500", 502), ("503", 502), (#""close""#, 502),
            (#""garbage""#, 502), (#""garbage-body""#, 502), (#""cut""#, 502),
        ]
        for (failure, status) in cases {
            let settings = #"{"fail": [{"match": "/tasks|/slaves", "status": \#(failure)}]}"#
            try await Self.withMasters([0], settings) { server, _ in
                for path in ["/v2/task/web", "/v2/task/web/browse", "/system/v1/agent/S1/logs/v2/component"] {
                    let answer = try await server.get(path)
                    #expect(answer.status == status, "\(failure) \(path): \(answer.status)")
                }
            }
        }
    }

    @Test func `of one name what runs comes first, and of two that have ended neither`() async throws {
        func task(_ id: String, _ name: String, _ container: String) -> String {
            #"{"id": "\#(id)", "name": "\#(name)", "framework_id": "F1", "container": "\#(container)", "slave_id": "S1"}"#
        }
        try await withSandboxes { sandboxes in
            try await sandboxes.set(
                #"{"tasks": [\#(task("app.2", "app", "C2"))], "completed": [\#(task("app.1", "app", "C1")),"#
                    + #"\#(task("job.1", "job", "C3")), \#(task("job.2", "job", "C4"))]}"#)
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.morePlugins = [
                    "  - name: sandbox", "    library: libloghost-mesos-sandbox.so",
                    "    config: {role: master, master: \"127.0.0.1:\(sandboxes.ports.master)\"}",
                ]
                try await withLogHost(configuration) { server in
                    let running = try await server.get("/v2/task/app")
                    #expect(running.head["Location"]?.contains("/executors/app.2/runs/C2/") == true, "\(running.text)")
                    let ended = try await server.get("/v2/task/app.1")
                    #expect(ended.head["Location"]?.contains("/executors/app.1/runs/C1/") == true, "\(ended.text)")
                    let several = try await server.get("/v2/task/job", accept: "application/json")
                    #expect(several.status == 409)
                    #expect(try JSONValue(several.text)["candidates"] == .array([.string("job.1"), .string("job.2")]))
                }
            }
        }
    }
}
