internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct FormatTests {
        @Test(
            arguments: [
                (nil, "text/plain"), ("*/*", "text/plain"), ("text/html", "text/plain"), ("text/*", "text/plain"),
                ("application/json", "application/json"), ("application/*", "application/json"),
                ("text/plain;q=0.5, application/json", "application/json"), ("application/json;q=0, */*", "text/plain"),
                ("image/png, text/event-stream;q=0.1", "text/event-stream"), ("APPLICATION/JSON", "application/json"),
            ] as [(String?, String)])
        func `Accept decides about the format`(accept: String?, type: String) async throws {
            let answer = try await Golden.server.get("/v1/range/?limit=1", accept: accept)
            #expect(answer.status == 200)
            #expect(answer.head.mediaType == type)
        }

        @Test(arguments: [("text", "text/plain"), ("json", "application/json"), ("sse", "text/event-stream")])
        func `the parameter format wins over Accept`(format: String, type: String) async throws {
            for accept in ["image/png", "application/json", "text/plain"] {
                let answer = try await Golden.server.get("/v1/range/?limit=1&format=\(format)", accept: accept)
                #expect(answer.status == 200)
                #expect(answer.head.mediaType == type)
            }
        }

        @Test func `an unknown format is 400 and named`() async throws {
            let answer = try await Golden.server.get("/v1/range/?format=xml")
            #expect(answer.status == 400)
            #expect(answer.text.contains("format"))
        }

        @Test(arguments: ["/v1/range/", "/v1/stream/", "/v2/component", "/v2/component/alpha.service"])
        func `a type that nobody serves is 406 and the answer lists the ones there are`(path: String) async throws {
            let answer = try await Golden.server.get(path, accept: "image/png, application/xml;q=0.5")
            #expect(answer.status == 406)
            for type in ["text/plain", "application/json", "text/event-stream"] { #expect(answer.text.contains(type)) }
        }

        @Test func `negotiation applies to log answers only`() async throws {
            for path in ["/v1/range/download?limit=1", "/v1/fields/AGENT_ID"] {
                #expect(try await Golden.server.get(path, accept: "image/png").status == 200, "\(path)")
            }
        }

        @Test(arguments: ["/v1/range/?limit=1", "/v2/component?limit=1"], ["text/plain", "application/json"])
        func `a range says how it may be cached`(target: String, accept: String) async throws {
            let head = try await Golden.server.get(target, accept: accept).head
            #expect(head["Cache-Control"] == "no-cache")
            #expect(head["Vary"]?.lowercased().contains("accept") == true)
            #expect(head["X-Accel-Buffering"] == nil)
            #expect((head["X-Journal-Skip-Next"] != nil) == target.hasPrefix("/v1"))
        }

        @Test(
            arguments: [
                ("/v1/stream/", "text/plain"), ("/v1/stream/", "application/json"), ("/v1/stream/", "text/event-stream"),
                ("/v2/component", "text/event-stream"), ("/v1/range/?follow=true", "text/plain"),
                ("/v2/component?follow=true", "application/json"), ("/v1/range/?filter=NOPE:x&follow=true", "text/plain"),
            ])
        func `a follow's header comes at once and forbids buffering`(target: String, accept: String) async throws {
            let head = try await Golden.server.open(HTTPRequest(target, accept: accept), within: .seconds(5)) { head, _ in head }
            #expect(head.status == 200)
            #expect(head.mediaType == accept)
            #expect(head["X-Accel-Buffering"] == "no")
            #expect(head["Cache-Control"] == "no-cache")
            #expect(head["Vary"]?.lowercased().contains("accept") == true)
            #expect(head["Content-Length"] == nil)
        }

        @Test func `without authorizers no answer has CORS headers`() async throws {
            let origin = ["Origin": "https://example.com"]
            for target in ["/v1/range/?limit=1", "/v2/component?limit=1", "/v1/range/download?limit=1", "/nowhere", "/healthz"] {
                for transport in [LogHostProcess.Transport.unix, .tcp] {
                    let answer = try await Golden.server.get(target, headers: origin, over: transport)
                    #expect(answer.head.crossOriginFields.isEmpty, "\(target)")
                }
            }
        }
    }
}
