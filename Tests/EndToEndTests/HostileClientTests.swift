internal import Testing

extension EndToEndTests {
    /// What clients have done, or could do, to harm others.
    @Suite(.goldenServer) struct HostileClientTests {
        @Test func `a cursor of absurd length is refused and harms nobody`() async throws {
            let id = String(repeating: "1", count: 32)
            let zeros = String(repeating: "0", count: 5000)
            let cursor = "s=\(id);i=\(zeros)1;b=\(id);m=1;t=1;x=1"
            let request = HTTPRequest("/v2/component", accept: "text/event-stream", headers: ["Last-Event-ID": cursor])
            #expect(try await Golden.server.send(request).status == 400)
            #expect(try await Golden.server.get("/healthz").status == 200)
        }

        @Test func `a request to leave HTTP is answered and ends its connection`() async throws {
            let fields = ["Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"]
            let (head, body) = try await Golden.server.connect { connection in
                let answer = try connection.exchange(HTTPRequest("/v1/range/?limit=1", headers: fields))
                try connection.expectClosed()
                return (answer.head, answer.text)
            }
            #expect(head.status == 200)
            #expect(head["Connection"] == "close")
            #expect(body.hasSuffix("entry 0 from alpha.service\n"))
        }

        @Test func `HTTP 1.0 gets no chunks`() async throws {
            let bytes = try await Golden.server.connect { connection in
                try connection.send(Array("GET /v1/range/?format=json HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8))
                return try connection.readToEnd()
            }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.0 200"))
            #expect(!text.lowercased().contains("transfer-encoding"))
            #expect(text.hasSuffix("\"realtime_timestamp\":1700000299000123}\n"))
        }

        @Test func `who asks on and on without listening is cut off`() async throws {
            let isCutOff = try await Golden.server.connect(within: .seconds(20)) { connection in
                let request = Array("GET /v2/component?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
                do {
                    for _ in 0..<200 { try connection.send(request) }
                    _ = try connection.readToEnd()
                    return true
                } catch {
                    // A connection that is reset is cut off; one that goes on until the deadline is not.
                    return !"\(error)".contains("deadline")
                }
            }
            #expect(isCutOff)
            #expect(try await Golden.server.get("/healthz").status == 200)
        }
    }
}
