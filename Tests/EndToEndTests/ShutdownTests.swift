internal import Glibc
internal import Testing

extension EndToEndTests {
    @Suite struct ShutdownTests {
        @Test func `SIGTERM ends follows with a comment and the process with 0`() async throws {
            try await withJournal { journal in
                try await journal.write([JournalEntry(1)])
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams = ["keep_alive": "60s"]
                try await withLogHost(configuration) { server in
                    let request = HTTPRequest("/v2/component", accept: "text/event-stream")
                    let (events, isComplete) = try await server.open(request) { _, connection in
                        var events = try connection.readEvents(entries: 1)
                        server.child.send(SIGTERM)
                        events += try connection.readAllEvents()
                        return (events, connection.isComplete)
                    }
                    #expect(events.count == 2)
                    #expect(events.last?.comment != nil && events.last?.data == nil, "a comment is the last word")
                    #expect(isComplete)
                    #expect(try await server.child.waitForExit(within: .seconds(5)) == .status(0))
                }
            }
        }

        @Test(arguments: [(LogHostProcess.Transport.unix, LogHostProcess.Transport.tcp), (.tcp, .unix)])
        func `all addresses are closed at once, whatever runs on one of them`(
            busy: LogHostProcess.Transport, idle: LogHostProcess.Transport
        ) async throws {
            try await Self.withServer(shutdown: "10s", tcp: true) { server in
                let isTaken = try await server.open(HTTPRequest("/v1/range/"), over: busy) { _, connection in
                    server.child.send(SIGTERM)
                    sleepThread(1)
                    let answer = try? HTTPConnection(server.address(idle), within: .seconds(1)).exchange(HTTPRequest("/healthz"))
                    while try connection.readPiece() != nil {}
                    return answer != nil
                }
                #expect(!isTaken)
                #expect(try await server.child.waitForExit(within: .seconds(5)) == .status(0))
            }
        }

        @Test(arguments: ["text/plain", "application/json"])
        func `SIGTERM ends follows of other formats too`(accept: String) async throws {
            try await Self.withServer(shutdown: "5s") { server in
                _ = try await server.open(HTTPRequest("/v1/stream/?skip_prev=1", accept: accept)) { _, connection in
                    _ = try connection.readLine()
                    server.child.send(SIGTERM)
                    while try connection.readPiece() != nil {}
                }
                #expect(try await server.child.waitForExit(within: .seconds(5)) == .status(0))
            }
        }

        @Test func `a range under way is finished and no request is taken`() async throws {
            try await Self.withServer(shutdown: "10s") { server in
                let (count, isComplete, second) = try await server.open(HTTPRequest("/v1/range/")) { _, connection in
                    server.child.send(SIGTERM)
                    sleepThread(0.5)
                    let second = try? HTTPConnection(server.address(.unix), within: .seconds(1)).exchange(
                        HTTPRequest("/v1/range/"))
                    var count = 0
                    while let piece = try connection.readPiece() { count += piece.count }
                    return (count, connection.isComplete, second?.status)
                }
                #expect(isComplete)
                #expect(count > 400 * (64 << 10))
                #expect(second == nil || second == 503)
                #expect(try await server.child.waitForExit(within: .seconds(5)) == .status(0))
            }
        }

        @Test func `a range that is not taken is ended at the deadline`() async throws {
            try await Self.withServer(shutdown: "1s") { server in
                let exit = try await server.open(HTTPRequest("/v1/range/")) { _, connection in
                    server.child.send(SIGTERM)
                    for _ in 0..<100 where server.child.exit == nil { sleepThread(0.1) }
                    do { while try connection.readPiece() != nil {} } catch {}
                    return (server.child.exit, connection.isComplete)
                }
                #expect(exit.0 == .status(0))
                #expect(!exit.1, "what was cut off must not look finished")
            }
        }

        @Test func `a second signal ends the process at once`() async throws {
            try await withJournal { journal in
                try await journal.write(Self.entries)
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams = ["shutdown": "60s"]
                try await withLogHost(configuration, exit: nil) { server in
                    let exit = try await server.open(HTTPRequest("/v1/range/")) { _, _ in
                        server.child.send(SIGTERM)
                        sleepThread(1)
                        let first = server.child.exit
                        server.child.send(SIGTERM)
                        for _ in 0..<50 where server.child.exit == nil { sleepThread(0.1) }
                        return (first, server.child.exit)
                    }
                    #expect(exit.0 == nil, "the first signal waits for the range")
                    #expect(exit.1 != nil, "the second does not")
                }
            }
        }

        private static let entries = (1...400).map { JournalEntry($0, message: String(repeating: "x", count: 64 << 10)) }

        private static func withServer(
            shutdown: String, tcp: Bool = false, _ body: (LogHostProcess) async throws -> Void
        ) async throws {
            try await withJournal { journal in
                try await journal.write(self.entries)
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams = ["shutdown": shutdown]
                configuration.listensOnTCP = tcp
                try await withLogHost(configuration, body)
            }
        }
    }
}
