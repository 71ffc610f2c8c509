internal import Testing

extension EndToEndTests {
    /// Without authorizers any web page could otherwise read the journal through a name that it points to 127.0.0.1.
    @Suite(.goldenServer) struct HostCheckTests {
        @Test(
            arguments: [
                "localhost", "localhost:8080", "LocalHost:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8080",
            ])
        func `this machine's own names are served over TCP`(host: String) async throws {
            let answer = try await Golden.server.get("/v1/range/?limit=1", headers: ["Host": host], over: .tcp)
            #expect(answer.status == 200)
        }

        @Test(
            arguments: [
                "example.com", "example.com:8080", "localhost.example.com", "127.0.0.1.example.com", "127.0.0.2", "10.0.0.1",
                "[::2]", "xlocalhost", "localhost@example.com", "127.0.0.1:80:80", "2130706433", "::1", "",
            ])
        func `another host is 421 over TCP and nothing is given away`(host: String) async throws {
            for target in ["/v1/range/?limit=1", "/v2/component?limit=1", "/v1/fields/AGENT_ID"] {
                let headers = ["Host": host, "Origin": "http://example.com"]
                let answer = try await Golden.server.get(target, headers: headers, over: .tcp)
                // An illegal or empty Host may as well be a bad request.
                #expect(answer.status == 421 || (answer.status == 400 && !host.hasSuffix(".com")), "\(target)")
                #expect(!answer.text.contains("entry 0"))
                #expect(!answer.text.contains("agent-S1"))
                #expect(answer.head.crossOriginFields.isEmpty)
            }
        }

        @Test func `the host of an absolute request target counts`() async throws {
            let request = HTTPRequest("http://example.com/v1/range/?limit=1")
            let answer = try await Golden.server.send(request, over: .tcp)
            #expect([400, 404, 421].contains(answer.status))
            #expect(!answer.text.contains("entry 0"))
        }

        @Test(arguments: ["example.com", "anything"])
        func `a unix socket is exempt`(host: String) async throws {
            #expect(try await Golden.server.get("/v1/range/?limit=1", headers: ["Host": host]).status == 200)
        }
    }
}
