internal import Glibc
internal import Synchronization
import Testing

extension EndToEndTests {
    /// Answers of other servers that are passed on while they come.
    @Suite struct ForwardedStreamTests {
        private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        private static let request = HTTPRequest("\(ForwardingMaster.agent)/v2/component", accept: "text/event-stream")

        @Test func `each event comes when it was sent, and so do signs of life`() async throws {
            let pieces = ["id: 1\ndata: one\n\n", ": ping\n\n", "data: half", " and half\n\n", "\n", "data: last\n\n"]
            let gates = pieces.map { _ in Gate() }
            try await withScriptedAgent { exchange in
                try exchange.send(Self.head)
                for (piece, gate) in zip(pieces, gates) {
                    // Not before the client has what was sent before.
                    try gate.wait()
                    try exchange.sendChunk(piece)
                }
                try exchange.send("0\r\n\r\n")
            } _: { master, _ in
                let (received, isComplete) = try await master.open(Self.request) { _, connection in
                    var received: [String] = []
                    for (piece, gate) in zip(pieces, gates) {
                        gate.open()
                        var bytes: [UInt8] = []
                        while bytes.count < piece.utf8.count, let more = try connection.readPiece() { bytes += more }
                        received.append(String(decoding: bytes, as: UTF8.self))
                    }
                    while try connection.readPiece() != nil {}
                    return (received, connection.isComplete)
                }
                #expect(received == pieces)
                #expect(isComplete)
            }
        }

        @Test(arguments: [true, false])
        func `a client that goes takes the agent's connection with it`(hasBegun: Bool) async throws {
            try await withScriptedAgent { exchange in
                if hasBegun {
                    try exchange.send(Self.head)
                    try exchange.sendChunk("data: one\n\n")
                }
                try exchange.waitForClose()
            } _: { master, agent in
                try await master.connect { connection in
                    try connection.send(Self.request)
                    if hasBegun {
                        _ = try connection.readHead()
                        _ = try connection.readEvent()
                    } else {
                        while agent.requests.isEmpty { usleep(2_000) }
                    }
                }
                #expect(try await master.waits(.seconds(10)) { agent.abandoned == 1 })
            }
        }

        @Test func `an agent is not read further than its client reads`() async throws {
            let size = 128 << 20
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(size)\r\n\r\n")
                let block = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
                for _ in 0..<size >> 20 { try exchange.send(block) }
            } _: { master, agent in
                let idle = try master.anonymousMemory
                let request = HTTPRequest("\(ForwardingMaster.agent)/v1/range/")
                let (sent, memory, count, isComplete) = try await master.open(
                    request, within: .seconds(40), receiveBuffer: 64 << 10
                ) { _, connection in
                    // Until nothing more goes out there.
                    var (sent, quiet) = (-1, 0)
                    while quiet < 10 {
                        usleep(50_000)
                        quiet = agent.sent == sent ? quiet + 1 : 0
                        sent = agent.sent
                    }
                    let memory = try master.anonymousMemory
                    var count = 0
                    while let piece = try connection.readPiece() { count += piece.count }
                    return (sent, memory, count, connection.isComplete)
                }
                // The rest is what the sockets between them hold.
                #expect(sent < 32 << 20, "\(sent >> 20) MiB had been taken")
                #expect(memory - idle < 16 << 20, "\((memory - idle) >> 20) MiB more")
                #expect(count == size && isComplete)
            }
        }

        @Test func `a client that takes nothing is cut off in the end, and the agent let go`() async throws {
            try await withScriptedAgent { exchange in
                try exchange.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(64 << 20)\r\n\r\n")
                do {
                    try exchange.send([UInt8](repeating: UInt8(ascii: "x"), count: 64 << 20))
                } catch {
                    try? exchange.waitForClose()
                }
            } configure: {
                $0.limits["range_stall"] = "1s"
            } _: { master, agent in
                let (isGone, isComplete) = try await master.open(HTTPRequest("\(ForwardingMaster.agent)/v1/range/")) {
                    _, connection in
                    let deadline = ContinuousClock.now + .seconds(15)
                    while agent.abandoned == 0, ContinuousClock.now < deadline { usleep(10_000) }
                    let isGone = agent.abandoned == 1
                    while (try? connection.readPiece()) ?? nil != nil {}
                    return (isGone, connection.isComplete)
                }
                #expect(isGone)
                #expect(!isComplete)
            }
        }

        @Test func `event streams take the places of follows`() async throws {
            try await withScriptedAgent { exchange in
                try exchange.send(Self.head)
                try exchange.sendChunk("data: one\n\n")
                try exchange.waitForClose()
            } configure: {
                $0.limits["ranges"] = "1"
                $0.limits["followers"] = "2"
            } _: { master, _ in
                let statuses = try await master.open(Self.request) { first, _ in
                    try HTTPConnection(master.address(.unix)).withAnswer(to: Self.request) { second in
                        try HTTPConnection(master.address(.unix)).withAnswer(to: Self.request) { third in
                            [first.status, second.status, third.status]
                        }
                    }
                }
                #expect(statuses == [200, 200, 503])
            }
        }

        @Test(arguments: [true, false])
        func `the host's stop ends an event stream where an event ends, else cuts it off`(isBetween: Bool) async throws {
            try await withScriptedAgent { exchange in
                try exchange.send(Self.head)
                try exchange.sendChunk(isBetween ? "data: one\n\n: ping\n\n" : "data: one\n\ndata: tw")
                try exchange.waitForClose()
            } _: { master, agent in
                let (text, isComplete) = try await master.open(Self.request) { _, connection in
                    var bytes: [UInt8] = []
                    while bytes.count < 19, let piece = try connection.readPiece() { bytes += piece }
                    master.child.send(SIGTERM)
                    while let piece = (try? connection.readPiece()) ?? nil { bytes += piece }
                    return (String(decoding: bytes, as: UTF8.self), connection.isComplete)
                }
                #expect(isComplete == isBetween)
                #expect(text == (isBetween ? "data: one\n\n: ping\n\n: the host is stopping\n\n" : "data: one\n\ndata: tw"))
                #expect(try await master.child.waitForExit(within: .seconds(10)) == .status(0))
                #expect(agent.abandoned == 1)
            }
        }

        @Test func `a journal behind an agent's own host is read and followed through the master`() async throws {
            try await withJournal { journal in
                try await journal.write((1...3).map { JournalEntry($0) })
                var agent = LogHostConfiguration(directory: journal.directory)
                agent.listensOnTCP = true
                try await withLogHost(agent) { agent in
                    try await withForwardingMaster(to: try #require(agent.port)) { master in
                        let path = ForwardingMaster.agent
                        for target in ["/v1/range/?limit=2", "/v2/component?skip=-1", "/v1/fields/N", "/v1/range/download"] {
                            let (direct, through) = (try await agent.get(target), try await master.get("\(path)\(target)"))
                            #expect(through.status == direct.status && through.body == direct.body, "\(target)")
                            for name in ["Content-Type", "Content-Disposition", "Vary", "X-Journal-Skip-Next"] {
                                #expect(through.head[name] == direct.head[name], "\(target) \(name)")
                            }
                        }
                        #expect(try await master.get("\(path)/v2/component?cursor=x").status == 400)
                        let last = try await master.open(Self.request) { _, connection in
                            try connection.readEvents(entries: 3).last?.id
                        }
                        let resumed = HTTPRequest(
                            Self.request.target, accept: "text/event-stream", headers: ["Last-Event-ID": try #require(last)])
                        let isLive = Gate()
                        async let news = master.open(resumed) { _, connection in
                            // A sign of life: all that is stored has been read.
                            _ = try connection.readEvent()
                            isLive.open()
                            return try connection.readEvents(entries: 2).map { $0.json?["fields"]?["N"]?.string }
                        }
                        try await blocking { try isLive.wait() }
                        try await journal.write((4...5).map { JournalEntry($0) })
                        #expect(try await news == ["4", "5"])
                    }
                }
            }
        }
    }
}

extension HTTPConnection {
    /// Sends a request, reads the answer's head and lends it while the connection is open.
    fileprivate func withAnswer<Value>(to request: HTTPRequest, _ body: (HTTPHead) throws -> Value) throws -> Value {
        try self.send(request)
        let value = try body(self.readHead())
        withExtendedLifetime(self) {}
        return value
    }
}
