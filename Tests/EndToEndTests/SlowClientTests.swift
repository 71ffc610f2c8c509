internal import Testing

extension EndToEndTests {
    @Suite struct SlowClientTests {
        private static let count = 3000

        /// 190 MB once decompressed, little on disk.
        private static func withServer(_ body: (LogHostProcess) async throws -> Void) async throws {
            try await withJournal { journal in
                let message = String(repeating: "x", count: 64 << 10)
                try await journal.write((1...self.count).map { JournalEntry($0, message: message) })
                try await withLogHost(LogHostConfiguration(directory: journal.directory), body)
            }
        }

        @Test func `memory stays flat while a big answer goes to a slow client`() async throws {
            try await Self.withServer { server in
                for accept in ["text/plain", "application/json", "text/event-stream"] {
                    _ = try await server.get("/v1/range/?limit=20", accept: accept)
                    let idle = try server.anonymousMemory
                    let request = HTTPRequest("/v1/range/", accept: accept)
                    let (peak, count) = try await server.open(request, receiveBuffer: 64 << 10) { _, connection in
                        var (peak, count) = (0, 0)
                        connection.readSize = 50_000
                        // 1 MB/s.
                        for _ in 0..<80 {
                            count += try connection.readPiece()?.count ?? 0
                            peak = max(peak, try server.anonymousMemory)
                            sleepThread(0.05)
                        }
                        return (peak, count)
                    }
                    #expect(count > 1 << 20)
                    #expect(peak - idle < 64 << 20, "\((peak - idle) >> 20) MiB above idle as \(accept)")
                }
                #expect(try await server.get("/v1/range/?limit=1").status == 200)
            }
        }

        @Test(arguments: [true, false])
        func `a client that takes little stays, one that takes nothing is cut off`(takesLittle: Bool) async throws {
            try await withJournal { journal in
                let message = String(repeating: "x", count: 64 << 10)
                try await journal.write((1...400).map { JournalEntry($0, message: message) })
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.limits["follow_stall"] = "1s"
                try await withLogHost(configuration) { server in
                    let request = HTTPRequest("/v2/component", accept: "text/event-stream")
                    let count = try await server.open(request, within: .seconds(30)) { _, connection in
                        var count = 0
                        connection.readSize = 20_000
                        for _ in 0..<80 {
                            sleepThread(0.05)
                            if takesLittle { count += try connection.readPiece()?.count ?? 0 }
                        }
                        connection.readSize = 1 << 20
                        while count < 400 * (64 << 10), let piece = try? connection.readPiece() { count += piece.count }
                        return count
                    }
                    #expect((count >= 400 * (64 << 10)) == takesLittle, "\(count)")
                }
            }
        }

        @Test func `memory stays flat while a big answer goes to a fast client`() async throws {
            try await Self.withServer { server in
                _ = try await server.get("/v1/range/?limit=20")
                let idle = try server.anonymousMemory
                let (peak, count, isComplete) = try await server.open(HTTPRequest("/v1/range/")) { _, connection in
                    var (peak, count, pieces) = (0, 0, 0)
                    connection.readSize = 1 << 20
                    while let piece = try connection.readPiece() {
                        count += piece.count
                        pieces += 1
                        if pieces % 64 == 0 { peak = max(peak, try server.anonymousMemory) }
                    }
                    return (peak, count, connection.isComplete)
                }
                #expect(isComplete)
                #expect(count == Self.count * (64 << 10 + "2023-11-14 22:13:20: \n".utf8.count))
                #expect(peak - idle < 64 << 20, "\((peak - idle) >> 20) MiB above idle")
            }
        }
    }
}
