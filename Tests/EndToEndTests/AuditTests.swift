internal import Testing

extension EndToEndTests {
    /// The record of decisions.
    @Suite struct AuditTests {
        private static func records(_ server: LogHostProcess) throws -> [JSONValue] {
            try server.log.split(separator: "\n").filter { $0.hasPrefix("{") }.map { try JSONValue(String($0)) }
        }

        @Test func `each decision is one line of JSON`() async throws {
            try await withAuthorizer {
                $0.listensOnTCP = true
            } _: { server, authorizer, _ in
                try authorizer.say("allow principal=alice\"\\ credential=the-secret")
                _ = try await server.get("/system/v1/logs/v2/component/a%22b?limit=1&secret=query", over: .tcp)
                try authorizer.say("deny principal=bob")
                _ = try await server.get("/v1/range/")
                let records = try Self.records(server)
                #expect(records.count == 2)
                let first = try #require(records.first)
                for (name, value) in [
                    ("event", "authorization"), ("result", "allow"), ("principal", "alice\"\\"), ("authorizer", "scripted"),
                    ("reason", "script"), ("address", "127.0.0.1"), ("method", "GET"),
                    ("path", "/system/v1/logs/v2/component/a%22b"), ("route", "/system/v1/logs/v2/component/{name}"),
                ] {
                    #expect(first[name]?.string == value, "\(name)")
                }
                #expect(first["time"]?.string?.hasSuffix("Z") == true)
                #expect(first["request"]?.string?.isEmpty == false)
                #expect(records.last?["result"]?.string == "deny")
                #expect(!server.log.contains("secret"))
            }
        }

        @Test func `refusals are written at a limited rate, and counted`() async throws {
            try await withAuthorizer { server, authorizer, _ in
                try authorizer.say("abstain")
                for _ in 0..<4 {
                    try await server.connect { connection in
                        for _ in 0..<100 { _ = try connection.exchange(HTTPRequest("/v2/component")) }
                    }
                }
                // A hundred at once, then ten per second.
                let count = try Self.records(server).count
                #expect((100..<300).contains(count))
                try await Task.sleep(for: .milliseconds(500))
                _ = try await server.get("/v2/component")
                let suppressed = try Self.records(server).compactMap { record -> Int? in
                    if case .unsigned(let count)? = record["suppressed"] { Int(count) } else { nil }
                }
                #expect(try Self.records(server).count + suppressed.reduce(0, +) == 401)
                // Who may read is always recorded.
                try authorizer.say("allow principal=p")
                _ = try await server.get("/v2/component")
                #expect(try Self.records(server).last?["result"]?.string == "allow")
            }
        }
    }
}
