internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct MethodTests {
        @Test(
            arguments: [
                ("/v1/range/?limit=5", "text/plain"), ("/v1/range/?limit=5", "application/json"),
                ("/v1/range/?limit=5", "text/event-stream"), ("/v2/component?limit=5", "application/json"),
                ("/v2/component/alpha.service?limit=2", "text/plain"), ("/v1/range/download?limit=5", "*/*"),
                ("/v1/fields/AGENT_ID", "application/json"), ("/v1/range/?filter=NOPE:x", "text/plain"),
                ("/v1/range/?limit=abc", "text/plain"), ("/nowhere", "text/plain"), ("/v1/range/?limit=5", "image/png"),
            ])
        func `HEAD answers as GET does, without a body`(target: String, accept: String) async throws {
            let get = try await Golden.server.get(target, accept: accept)
            let head = try await Golden.server.send(HTTPRequest(target, method: "HEAD", accept: accept))
            #expect(head.status == get.status)
            #expect(head.body.isEmpty)
            for name in ["Content-Type", "Content-Disposition", "Vary", "X-Journal-Skip-Next", "X-Journal-Skip-Prev"] {
                #expect(head.head[name] == get.head[name], "\(name)")
            }
        }

        @Test(arguments: ["/v1/stream/", "/v2/component", "/v1/range/?follow=true"])
        func `HEAD of a follow ends at once and leaves the connection usable`(target: String) async throws {
            let request = HTTPRequest(target, method: "HEAD", accept: "text/event-stream")
            let (head, next) = try await Golden.server.connect { connection in
                (try connection.exchange(request), try connection.exchange(HTTPRequest("/v1/range/?limit=1")))
            }
            #expect(head.status == 200)
            #expect(head.head.mediaType == "text/event-stream")
            #expect(next.status == 200)
            #expect(next.lines.count == 1)
        }

        @Test(arguments: ["/v1/range/", "/v1/range/download", "/v1/stream/", "/v2/component", "/v1/fields/AGENT_ID"])
        func `OPTIONS is answered, without CORS headers as long as nobody authorizes`(target: String) async throws {
            let headers = ["Origin": "https://example.com", "Access-Control-Request-Method": "GET"]
            let answer = try await Golden.server.send(HTTPRequest(target, method: "OPTIONS", headers: headers))
            #expect([200, 204].contains(answer.status))
            #expect(answer.body.isEmpty)
            #expect(answer.head.crossOriginFields.isEmpty)
        }

        @Test(arguments: ["/healthz", "/readyz", "/metrics", "/plugins", "/openapi.json"])
        func `OPTIONS of the host's own routes says what there is, and nothing to web pages`(target: String) async throws {
            let headers = ["Origin": "https://example.com", "Access-Control-Request-Method": "GET"]
            let answer = try await Golden.server.send(HTTPRequest(target, method: "OPTIONS", headers: headers))
            #expect(answer.status == 204)
            #expect(answer.head["Allow"] == "GET, HEAD, OPTIONS")
            #expect(answer.head.crossOriginFields.isEmpty)
        }

        @Test(arguments: ["POST", "PUT", "DELETE", "PATCH"], ["/v1/range/", "/v2/component", "/v1/fields/AGENT_ID"])
        func `another method is 405 and names the ones there are`(method: String, target: String) async throws {
            let answer = try await Golden.server.send(HTTPRequest(target, method: method, headers: ["Content-Length": "0"]))
            #expect(answer.status == 405)
            let allowed = Set((answer.head["Allow"] ?? "").split(separator: ",").map { $0.filter { $0 != " " } })
            #expect(allowed == ["GET", "HEAD", "OPTIONS"])
        }

        @Test func `another method on a route that is not there is 404`() async throws {
            #expect(
                try await Golden.server.send(HTTPRequest("/v3/x", method: "POST", headers: ["Content-Length": "0"])).status == 404
            )
        }

        @Test func `a connection serves one request after the other`() async throws {
            let statuses = try await Golden.server.connect { connection in
                try ["/v1/range/?limit=3", "/v1/range/?limit=abc", "/nowhere", "/v2/component/nope", "/v1/range/?limit=3"].map {
                    try connection.exchange(HTTPRequest($0)).status
                }
            }
            #expect(statuses == [200, 400, 404, 204, 200])
        }
    }
}
