import Testing

extension EndToEndTests {
    /// Other servers that fail: before their answers have begun, the client is told so; after that, its answer is cut off.
    @Suite struct ForwardedFailureTests {
        private static let path = "\(ForwardingMaster.agent)/v2/component"

        @Test func `nobody there is 502`() async throws {
            try await withForwardingMaster(to: try ServerAddress.freePort()) { master in
                let answer = try await master.get(Self.path)
                #expect(answer.status == 502)
                #expect(!answer.text.contains("127.0.0.1"))
            }
        }

        private static let noAnswers = [
            "nothing": "", "another protocol": "SSH-2.0-OpenSSH_9.2\r\n\r\n", "no status": "HTTP/1.1 abc\r\n\r\n",
            "half a head": "HTTP/1.1 200 OK\r\nContent-Le",
            "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nyes",
            "no length": "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nyes",
            "no field": "HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 0\r\n\r\n",
            "a foreign coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "no HTTP any more": "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            "an unknown class": "HTTP/1.1 999 Too Much\r\nContent-Length: 0\r\n\r\n",
            "a long field": "HTTP/1.1 200 OK\r\nA: \(String(repeating: "a", count: 100 << 10))\r\nContent-Length: 0\r\n\r\n",
            "a long head": "HTTP/1.1 200 OK\r\n"
                + String(repeating: "A: \(String(repeating: "a", count: 1_000))\r\n", count: 70) + "Content-Length: 0\r\n\r\n",
        ]

        @Test(arguments: Self.noAnswers.keys.sorted())
        func `an answer that is none is 502`(name: String) async throws {
            let bytes = try #require(Self.noAnswers[name])
            try await withScriptedAgent { exchange in
                try exchange.send(bytes)
                exchange.close()
            } _: { master, _ in
                let answer = try await master.get(Self.path, accept: "application/json")
                #expect(answer.status == 502 && answer.isComplete)
                #expect(answer.head.mediaType == "application/problem+json")
                #expect(!answer.text.contains("127.0.0.1"))
            }
        }

        @Test func `a head without end is not gathered`() async throws {
            let fields = Array(String(repeating: "A: b\r\n", count: 10_000).utf8)
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\n")
                for _ in 0..<2_000 { try exchange.send(fields) }
            } _: { master, agent in
                let idle = try master.anonymousMemory
                let answer = try await master.get(Self.path)
                #expect(answer.status == 502)
                // Of 120 MB.
                #expect(agent.sent < 32 << 20)
                #expect(try master.anonymousMemory - idle < 32 << 20)
            }
        }

        @Test func `an agent that does not answer is 504`() async throws {
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
                try exchange.waitForClose()
            } configure: {
                $0.limits["scan"] = "100ms"
            } _: { master, agent in
                let status = try await master.get(Self.path).status
                #expect(status == 504)
                #expect(try await master.waits { agent.abandoned == 1 })
            }
        }

        @Test func `a range of which nothing more comes is cut off`() async throws {
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
                try exchange.sendChunk("one\n")
                try exchange.waitForClose()
            } configure: {
                $0.limits["scan"] = "100ms"
            } _: { master, agent in
                // 10 s more than a scan: an agent's own limit comes first.
                let isWhole = try await master.open(HTTPRequest(Self.path), within: .seconds(30)) { try $1.readsWholeBody() }
                #expect(!isWhole)
                #expect(try await master.waits { agent.abandoned == 1 })
            }
        }

        enum Break: CaseIterable, Sendable { case tooFewBytes, noLastChunk, noChunkEnd, badChunk, reset }

        @Test(arguments: Break.allCases, ["text/plain", "text/event-stream"])
        func `a body that breaks off is cut off`(kind: Break, type: String) async throws {
            let text = "data: one\n\n"
            let seen = Gate()
            try await withScriptedAgent { exchange in
                let isCounted = kind == .tooFewBytes
                try exchange.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\n"
                        + (isCounted ? "Content-Length: 100\r\n\r\n" : "Transfer-Encoding: chunked\r\n\r\n"))
                if isCounted { try exchange.send(text) } else { try exchange.sendChunk(text) }
                // What has come before must have gone on before.
                try seen.wait()
                switch kind {
                case .tooFewBytes, .noLastChunk: exchange.close()
                case .noChunkEnd:
                    try exchange.send("ff\r\nno more")
                    exchange.close()
                case .badChunk:
                    try exchange.send("no number\r\n")
                    try exchange.waitForClose()
                case .reset: try exchange.reset()
                }
            } _: { master, _ in
                let (status, body, isComplete) = try await master.open(HTTPRequest(Self.path)) { head, connection in
                    var body: [UInt8] = []
                    while body.count < text.utf8.count, let piece = try connection.readPiece() { body += piece }
                    seen.open()
                    while let piece = (try? connection.readPiece()) ?? nil { body += piece }
                    return (head.status, String(decoding: body, as: UTF8.self), connection.isComplete)
                }
                #expect(status == 200)
                #expect(body.hasPrefix(text))
                #expect(!isComplete)
                #expect(try await master.get("/healthz").status == 200)
            }
        }

        @Test func `a body that breaks off is cut off over HTTP 2 too`() async throws {
            try await withRawServer { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nhalf")
                exchange.close()
            } _: { agent in
                try await withSandboxes { sandboxes in
                    try await sandboxes.set(#"{"slaves": [{"id": "S1", "pid": "slave(1)@127.0.0.1:5051"}]}"#)
                    let plugin = ForwardingMaster.plugin(sandboxes, agentPort: agent.port)
                    try await withTLSServer(morePlugins: plugin) { _, site, _ in
                        let answer = try await site.connectHTTP2 { connection in
                            try connection.request(Self.path, stream: 1)
                            return try connection.answer(of: 1)
                        }
                        #expect(answer.isOK)
                        #expect(answer.body == Array("half".utf8))
                        #expect(answer.reset != nil)
                    }
                }
            }
        }
    }
}
