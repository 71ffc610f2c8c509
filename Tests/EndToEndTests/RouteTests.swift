internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct RouteTests {
        static let container = "framework/fw-0001/executor/exec-0/container/container-0"

        @Test(
            arguments: [
                "/v1/range/?limit=2", "/v1/range/\(container)?limit=2", "/v2/component?limit=2",
                "/v2/component/alpha.service?limit=2", "/v1/fields/AGENT_ID",
            ])
        func `every route is also under the prefix of the admin router`(target: String) async throws {
            let bare = try await Golden.server.get(target, accept: "application/json")
            let prefixed = try await Golden.server.get("/system/v1/logs" + target, accept: "application/json")
            #expect(bare.status == 200)
            #expect(prefixed.status == 200)
            #expect(try prefixed.jsonLines == bare.jsonLines)
        }

        @Test func `a stream is also under the prefix`() async throws {
            let request = HTTPRequest("/system/v1/logs/v1/stream/?skip_prev=1", accept: "text/event-stream")
            let events = try await Golden.server.open(request) { _, connection in try connection.readEvents(entries: 1) }
            #expect(try entryNumber(events.first?.cursor) == 300)
        }

        @Test(
            arguments: [
                ("/v1/range/", 200), ("/v1/range", 404), ("/v2/component", 200), ("/v2/component/", 404),
                ("/v1/range/download", 200), ("/v1/range/download/", 404), ("/v1/fields/AGENT_ID/", 404),
                ("/v2/component/alpha.service", 200), ("/v2/component/alpha.service/", 404), ("/v1/stream", 404),
                ("/system/v1/logs/v1/range", 404), ("/system/v1/logs/v2/component/", 404), ("/system/v1/logs", 404),
                ("/v1/range/framework/f/executor/e/container/", 404), ("/v1/range/framework/f/executor/e", 404),
                ("//v1/range/", 404), ("/v2/component/alpha.service/beta.service", 404), ("/V2/component", 404),
            ])
        func `a trailing slash is part of the path`(path: String, status: Int) async throws {
            #expect(try await Golden.server.get("\(path)?limit=1").status == status)
        }

        @Test func `a percent-encoded name is the name`() async throws {
            let plain = try await Golden.server.get("/v2/component/alpha.service?limit=3")
            let encoded = try await Golden.server.get("/v2/component/%61lpha%2Eservice?limit=3")
            #expect(encoded.status == 200)
            #expect(encoded.text == plain.text)
        }

        @Test func `unknown parameters are ignored`() async throws {
            let answer = try await Golden.server.get("/v1/range/?limit=2&nonsense=1&skip=5&x")
            #expect(answer.status == 200)
            #expect(answer.lines.count == 2)
        }

        @Test func `a route that is not there is 404`() async throws {
            for path in ["/", "/nowhere", "/v1/range/nowhere", "/v2/task/x"] {
                #expect(try await Golden.server.get(path).status == 404, "\(path)")
            }
        }

        @Test func `the health answer needs no parameters`() async throws {
            #expect(try await Golden.server.get("/healthz").status == 200)
            #expect(try await Golden.server.send(HTTPRequest("/healthz", method: "HEAD")).status == 200)
        }

        @Test(arguments: [("AGENT_ID", ["agent-S1"]), ("FRAMEWORK_ID", ["fw-0001"]), ("STREAM", ["STDERR", "STDOUT"])])
        func `the values of a field are a JSON array`(field: String, values: [String]) async throws {
            let answer = try await Golden.server.get("/v1/fields/\(field)", accept: "image/png")
            #expect(answer.status == 200)
            #expect(answer.head.mediaType == "application/json")
            guard case .array(let items) = try JSONValue(answer.text) else {
                Issue.record("no array: \(answer.text)")
                return
            }
            #expect(items.compactMap(\.string).sorted() == values)
        }

        @Test(arguments: ["_SYSTEMD_UNIT", "MESSAGE", "agent_id", "%20"])
        func `another field is 400`(field: String) async throws {
            #expect(try await Golden.server.get("/v1/fields/\(field)").status == 400)
        }
    }
}
