internal import Glibc
internal import Testing

extension EndToEndTests {
    /// The record of requests.
    @Suite struct AccessLogTests {
        private static func records(_ server: LogHostProcess) throws -> [JSONValue] {
            try server.log.split(separator: "\n").filter { $0.contains(#""event":"request""#) }.map { try JSONValue(String($0)) }
        }

        /// The records, when there are so many, without those of the start's probes.
        private static func wait(for count: Int, _ server: LogHostProcess) async throws -> [JSONValue] {
            func found() -> [JSONValue] { ((try? self.records(server)) ?? []).filter { $0["path"]?.string != "/healthz" } }
            #expect(try await server.waits { found().count >= count })
            return found()
        }

        @Test func `each request is one line of JSON when its answer has ended`() async throws {
            try await withAuthorizer {
                $0.listensOnTCP = true
                $0.more += ["access_log: true"]
            } _: { server, authorizer, journal in
                try await journal.write((1...3).map { JournalEntry($0) })
                try authorizer.say("allow principal=alice credential=the-secret")
                let path = "/system/v1/logs/v2/component/x%22y"
                // An answer may be there before its record.
                _ = try await server.get("\(path)?limit=1&secret=query", over: .tcp)
                _ = try await Self.wait(for: 1, server)
                let range = try await server.get("/v1/range/?limit=2")
                _ = try await Self.wait(for: 2, server)
                try authorizer.say("abstain")
                _ = try await server.get("/v1/range/")
                _ = try await Self.wait(for: 3, server)
                _ = try await server.get("/nowhere")
                let records = try await Self.wait(for: 4, server)
                guard records.count == 4 else { return }
                for (name, value) in [
                    ("method", "GET"), ("path", path), ("route", "/v2/component/{name}"), ("principal", "alice"),
                    ("address", "127.0.0.1"),
                ] {
                    #expect(records[0][name]?.string == value, "\(name)")
                }
                #expect(records[0]["uid"] == nil && records[0]["cut"] == nil && records[0]["trace_id"] == nil)
                #expect(records[1]["status"]?.unsigned == 200)
                #expect(records[1]["format"]?.string == "text")
                #expect(records[1]["entries"]?.unsigned == 2)
                #expect(records[1]["bytes"]?.unsigned == UInt64(range.body.count))
                #expect(records[1]["uid"]?.unsigned == UInt64(getuid()))
                #expect(records[1]["microseconds"]?.unsigned ?? 0 > 0)
                #expect(records[2]["status"]?.unsigned == 401)
                #expect(records[2]["principal"] == nil && records[2]["entries"] == nil)
                #expect(records[3]["status"]?.unsigned == 404)
                #expect(records[3]["route"]?.string == "(none)")
                // One request has one name in both records.
                #expect(server.log.ranges(of: try #require(records[1]["request"]?.string)).count == 2)
                #expect(!server.log.contains("secret"))
            }
        }

        @Test func `a stream is recorded when it has ended, with why and with its trace`() async throws {
            try await withJournal { journal in
                try await journal.write([JournalEntry(1)])
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.more = ["access_log: true"]
                try await withLogHost(configuration) { server in
                    let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
                    let request = HTTPRequest(
                        "/v2/component?follow=true", accept: "text/event-stream",
                        headers: ["traceparent": "00-\(trace)-00f067aa0ba902b7-01"])
                    try await server.open(request) { _, connection in
                        _ = try connection.readEvent()
                        #expect(try Self.records(server).allSatisfy { $0["path"]?.string != "/v2/component" })
                    }
                    let record = try #require(try await Self.wait(for: 1, server).first)
                    #expect(record["cut"]?.string == "client")
                    #expect(record["status"]?.unsigned == 200)
                    #expect(record["format"]?.string == "sse")
                    #expect(record["entries"]?.unsigned == 1)
                    #expect(record["trace_id"]?.string == trace)
                    #expect(record["parent_id"]?.string == "00f067aa0ba902b7")
                }
            }
        }

        @Test(arguments: [
            ("NO HTTP\r\n\r\n", 400),
            ("GET /healthz HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-A: 1\r\n", count: 300))\r\n", 431),
        ])
        func `what is no request is counted and recorded with its answer`(bytes: String, status: Int) async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.more = ["access_log: true"]
                try await withLogHost(configuration) { server in
                    let answered = try await server.connect { connection in
                        try connection.send(Array(bytes.utf8))
                        return try connection.readHead().status
                    }
                    #expect(answered == status)
                    let records = try await Self.wait(for: 1, server)
                    #expect(records.count == 1)
                    #expect(records.first?["status"]?.unsigned == UInt64(status))
                    #expect(records.first?["route"]?.string == "(none)")
                    #expect(records.first?["uid"]?.unsigned == UInt64(getuid()))
                    #expect(records.first?["path"] == nil)
                    let metrics = try await server.get("/metrics").text
                    let line = #"loghost_http_requests_total{route="(none)",status="\#(status)",format=""} 1"#
                    #expect(metrics.contains(line), "\(metrics.split(separator: "\n").filter { $0.contains("(none)") })")
                }
            }
        }

        @Test func `without being asked for there is none`() async throws {
            try await withJournal { journal in
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    _ = try await server.get("/v1/range/")
                    server.child.send(SIGTERM)
                    #expect(try await server.child.waitForExit(within: .seconds(10)) == .status(0))
                    #expect(try Self.records(server).isEmpty)
                }
            }
        }
    }
}
