import Glibc
import Testing

/// The way from a task to its sandbox, through a master and the agent's own host.
@Suite struct SandboxDiscoveryTests {
    private static let tasks = #"""
        {"tasks":[{"id":"web.1","name":"web","framework_id":"F1","container":"C1","slave_id":"S1","timestamp":5.0},
                  {"id":"pod.a","framework_id":"F1","executor_id":"E 1","container":["P1","N1"],"slave_id":"S1","timestamp":5.0},
                  {"id":"db.1","framework_id":"F1","container":"C2","slave_id":"S1","timestamp":5.0},
                  {"id":"db.2","framework_id":"F1","container":"C3","slave_id":"S1","timestamp":5.0}],
         "slaves":[{"id":"S1","pid":"slave(1)@127.0.0.1:5051"}]}
        """#

    private static func master(_ sandboxes: Sandboxes, agentPort: UInt16 = 1) -> [String] {
        [
            "  - name: sandbox", "    library: libloghost-mesos-sandbox.so",
            "    config: {role: master, master: \"127.0.0.1:\(sandboxes.ports.master)\", agent_loghost_port: \(agentPort)}",
        ]
    }

    @Test func `a task leads to its sandbox`() async throws {
        let run = "/system/v1/agent/S1/logs/v2/task/frameworks/F1/executors/web.1/runs/C1"
        let cases: [(path: String, location: String)] = [
            ("/v2/task/web.1", "\(run)/stdout"), ("/v2/task/web", "\(run)/stdout"), ("/v2/task/eb.", "\(run)/stdout"),
            ("/v2/task/web.1?skip=-5&cursor=END", "\(run)/stdout?skip=-5&cursor=END"),
            ("/v2/task/web.1/file/sub/a%20b", "\(run)/sub/a%20b"), ("/v2/task/web.1/browse", "\(run)/files/browse"),
            ("/v2/task/web.1/download", "\(run)/stdout/download"),
            ("/v2/task/web.1/file/stderr/download", "\(run)/stderr/download"),
            ("/v2/task/pod.a", "/system/v1/agent/S1/logs/v2/task/frameworks/F1/executors/E%201/runs/P1/tasks/pod.a/stdout"),
        ]
        try await withSandboxes { sandboxes in
            try await sandboxes.set(Self.tasks)
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.morePlugins = Self.master(sandboxes)
                try await withLogHost(configuration) { server in
                    for (path, location) in cases {
                        let answer = try await server.get(path)
                        #expect(answer.status == 303, "\(path)")
                        #expect(answer.head["Location"] == location, "\(path)")
                    }
                    let several = try await server.get("/v2/task/db", accept: "application/json")
                    #expect(several.status == 409)
                    #expect(try JSONValue(several.text)["candidates"] == .array([.string("db.1"), .string("db.2")]))
                    #expect(try await server.get("/v2/task/none").status == 404)
                }
            }
        }
    }

    @Test func `a master forwards what an agent serves, and an agent serves itself by its id`() async throws {
        try await withSandboxes { sandboxes in
            try await sandboxes.set(Self.tasks)
            try sandboxes.write("one\ntwo\n", to: "stdout")
            try await withJournal { journal in
                var agent = LogHostConfiguration(directory: journal.directory)
                agent.listensOnTCP = true
                agent.morePlugins = [
                    "  - name: sandbox", "    library: libloghost-mesos-sandbox.so",
                    "    config: {role: agent, agent: \"127.0.0.1:\(sandboxes.ports.agent)\"}",
                ]
                try await withLogHost(agent) { agent in
                    let own = "/system/v1/agent/S1/logs\(Sandboxes.base)/stdout?limit=1"
                    #expect(try await agent.get(own).text == "one\n")
                    let other = "/system/v1/agent/S2/logs/v2/component"
                    #expect(try await agent.get(other).status == 404)
                    // Its name after a restart that lost the old one.
                    try await sandboxes.set(#"{"agent_id": "S2"}"#)
                    usleep(2_100_000)
                    #expect(try await agent.get(other).status != 404)
                    try await sandboxes.set(#"{"agent_id": null}"#)
                    usleep(2_100_000)
                    var master = LogHostConfiguration(directory: journal.directory)
                    master.morePlugins = Self.master(sandboxes, agentPort: try #require(agent.port))
                    try await withLogHost(master) { master in
                        #expect(try await master.get(own).text == "one\n")
                        #expect(try await master.get("/system/v1/agent/S9/logs\(Sandboxes.base)/stdout").status == 404)
                        #expect(try await master.get(own, headers: ["Via": "1.1 loghost"]).status == 508)
                        let stream = HTTPRequest(
                            "/system/v1/agent/S1/logs\(Sandboxes.base)/stdout?cursor=END", accept: "text/event-stream")
                        let event = try await master.open(stream) { head, connection in
                            try sandboxes.append("three\n", to: "stdout")
                            return (head.mediaType, try connection.readEvents(entries: 1).first)
                        }
                        #expect(event.0 == "text/event-stream")
                        #expect(event.1?.json?["fields"]?["MESSAGE"]?.string == "three")
                    }
                }
            }
        }
    }
}
