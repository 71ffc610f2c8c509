import Testing

extension EndToEndTests {
    /// What of a request goes on to another server, and what of its answer comes back.
    @Suite struct ForwardedHeadTests {
        private static let whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"

        @Test func `an agent is told five of a client's fields and who has forwarded`() async throws {
            try await withScriptedAgent {
                try $0.send(Self.whole)
            } _: { master, agent in
                let fields = [
                    "Authorization": "Basic dTpw", "Accept-Encoding": "gzip, br", "Last-Event-ID": "7",
                    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Cookie": "a=b", "X-Other": "c",
                    "User-Agent": "tests", "Range": "bytes=0-1", "If-None-Match": "\"d\"", "X-Forwarded-For": "192.0.2.1",
                    "Via": "1.1 elsewhere", "Origin": "http://e", "tracestate": "f=g",
                ]
                let answer = try await master.get("\(ForwardingMaster.agent)/v1/x", accept: "text/plain", headers: fields)
                #expect(answer.text == "yes")
                let request = try #require(agent.requests.first)
                let own = ["connection", "host", "via"]
                let passed = ["accept", "accept-encoding", "authorization", "last-event-id", "traceparent"]
                #expect(request.names.filter { $0 != "connection" } == (own.dropFirst() + passed).sorted())
                #expect(request["Host"] == "127.0.0.1:\(agent.port)")
                #expect(request["Via"] == "1.1 loghost")
                #expect(request["Accept"] == "text/plain")
                for name in passed where name != "accept" {
                    let value = fields.first { $0.key.lowercased() == name }?.value
                    #expect(request[name] == value)
                }
            }
        }

        @Test func `what an agent is asked for is what came, byte for byte`() async throws {
            let targets = [
                "/v1/range/", "/v2/component/a%2Fb%20c", "/v2/component/%3Fx", "/v2/x//y", "/v1/x?skip=-5&cursor=s%3Da%2Bb",
                "/v2/x?a=%41&b=c+d&filter=E:f%2fg", "/v2/x?a=%41&b={|}", "/v2/x?a=[%41]", "/v2/%C3%A9", "/v2/x?",
            ]
            try await withScriptedAgent {
                try $0.send(Self.whole)
            } _: { master, agent in
                for target in targets {
                    #expect(try await master.get("\(ForwardingMaster.agent)\(target)").status == 200, "\(target)")
                    let asked = try #require(agent.requests.last?.line)
                    // What may not stand in a URL is encoded, an empty query left out; nothing else changes.
                    let encoded = target.replacing("{|}", with: "%7B%7C%7D").replacing("[%41]", with: "%5B%41%5D")
                    let expected = encoded.hasSuffix("?") ? encoded.dropLast() : encoded[...]
                    #expect(asked == "GET /system/v1/logs\(expected) HTTP/1.1")
                }
                #expect(try await master.get("/system/v1/logs\(ForwardingMaster.agent)/v1/x").status == 200)
                #expect(agent.requests.last?.target == "/system/v1/logs/v1/x")
            }
        }

        @Test(arguments: [
            "/healthz", "/v3/x", "/v1", "/v2", "/v2/../v1/x", "/v2/./x", "/v2/%2e%2e/x", "/v2/x%2F..%2Fy", "/%76%32/x", "/",
            "/V2/x",
        ])
        func `other paths of an agent are not reached`(rest: String) async throws {
            try await withScriptedAgent {
                try $0.send(Self.whole)
            } _: { master, agent in
                let status = try await master.get("\(ForwardingMaster.agent)\(rest)").status
                #expect(status == 404)
                #expect(agent.requests.isEmpty)
            }
        }

        @Test func `a client gets the answer's head without what is not for it`() async throws {
            let head = [
                "HTTP/1.1 200 OK", "Content-Type: text/plain; charset=x", "Content-Length: 3", "Set-Cookie: a=b",
                "Set-Cookie2: a=b", "Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5",
                "Proxy-Authenticate: Basic", "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true",
                "Date: Thu, 01 Jan 1970 00:00:00 GMT", "X-Content-Type-Options: none", "Trailer: X-T", "ETag: \"e\"",
                "X-Journal-Skip-Next: 4", "Cache-Control: no-cache", "Vary: Accept",
            ]
            try await withScriptedAgent { exchange in
                try exchange.send(head.joined(separator: "\r\n") + "\r\n\r\nyes")
            } _: { master, _ in
                let answer = try await master.get("\(ForwardingMaster.agent)/v1/x")
                #expect(answer.text == "yes" && answer.isComplete)
                let names = answer.head.fields.map(\.name).sorted()
                #expect(
                    names == [
                        "cache-control", "content-length", "content-type", "date", "etag", "vary", "x-content-type-options",
                        "x-journal-skip-next",
                    ])
                #expect(answer.head["Content-Type"] == "text/plain; charset=x")
                #expect(answer.head["Date"]?.contains("1970") == false)
                #expect(answer.head["X-Content-Type-Options"] == "nosniff")
            }
        }

        @Test(arguments: [204, 205, 303, 304, 404, 410, 503])
        func `a status is passed on`(status: Int) async throws {
            try await withScriptedAgent { exchange in
                let length = status == 204 || status == 304 ? "" : "Content-Length: 0\r\n"
                try exchange.send("HTTP/1.1 \(status) Some Words\r\n\(length)Location: /system/v1/x\r\nRetry-After: 7\r\n\r\n")
            } _: { master, agent in
                let answers = try await master.connect { connection in
                    try (0..<2).map { _ in try connection.exchange(HTTPRequest("\(ForwardingMaster.agent)/v1/x")) }
                }
                for answer in answers {
                    #expect(answer.status == status && answer.body.isEmpty && answer.isComplete)
                    #expect(answer.head["Location"] == "/system/v1/x" && answer.head["Retry-After"] == "7")
                }
                #expect(agent.requests.count == 2)
            }
        }

        @Test func `HEAD asks an agent with HEAD`() async throws {
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12345\r\n\r\n")
            } _: { master, agent in
                // A body, or the lack of one, would spoil the second.
                let answers = try await master.connect { connection in
                    try (0..<2).map { _ in
                        try connection.exchange(HTTPRequest("\(ForwardingMaster.agent)/v1/x", method: "HEAD"))
                    }
                }
                #expect(answers.map(\.status) == [200, 200])
                #expect(answers.allSatisfy { $0.head["Content-Length"] == "12345" && $0.body.isEmpty })
                #expect(agent.requests.map(\.line) == Array(repeating: "HEAD /system/v1/logs/v1/x HTTP/1.1", count: 2))
            }
        }

        @Test func `compressed bytes stay as they are`() async throws {
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in stride(from: 0, to: bytes.count, by: 1_000) {
                    try exchange.send("3e8\r\n")
                    try exchange.send(Array(bytes[start..<start + 1_000]))
                    try exchange.send("\r\n")
                }
                try exchange.send("0\r\n\r\n")
            } _: { master, _ in
                let answer = try await master.get("\(ForwardingMaster.agent)/v1/x", headers: ["Accept-Encoding": "gzip"])
                #expect(answer.head["Content-Encoding"] == "gzip")
                #expect(answer.isComplete && answer.body == bytes)
            }
        }

        @Test func `a body that ends with its connection gets a proper end`() async throws {
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold but whole")
                exchange.close()
            } _: { master, _ in
                let answer = try await master.get("\(ForwardingMaster.agent)/v1/x")
                #expect(answer.text == "old but whole" && answer.isComplete)
            }
        }

        @Test(arguments: ["1.1 loghost", "1.0 first, 1.1 loghost", "HTTP/1.1 LogHost (x)"])
        func `a request that was forwarded goes no further`(via: String) async throws {
            try await withScriptedAgent {
                try $0.send(Self.whole)
            } _: { master, agent in
                let answer = try await master.get("\(ForwardingMaster.agent)/v1/x", headers: ["Via": via])
                #expect(answer.status == 508)
                #expect(agent.requests.isEmpty)
            }
        }

        @Test(arguments: [nil, "token realm=\"mesos\""])
        func `a 401 always has a challenge`(challenge: String?) async throws {
            try await withScriptedAgent { exchange in
                let field = challenge.map { "WWW-Authenticate: \($0)\r\n" } ?? ""
                try exchange.send("HTTP/1.1 401 Unauthorized\r\n\(field)Content-Length: 0\r\n\r\n")
            } _: { master, _ in
                let answer = try await master.get("\(ForwardingMaster.agent)/v1/x")
                #expect(answer.status == 401)
                #expect(answer.head["WWW-Authenticate"] == challenge ?? "Bearer")
            }
        }
    }
}
