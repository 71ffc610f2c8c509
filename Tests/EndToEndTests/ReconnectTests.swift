internal import Testing

extension EndToEndTests {
    @Suite struct ReconnectTests {
        /// The reader leaves after 1 to 20 entries, wherever the bytes were cut, and comes back with the last id it had.
        @Test(arguments: ["/v1/stream/", "/v2/component"])
        func `500 reconnects at random points lose and repeat nothing`(path: String) async throws {
            var generator = SeededGenerator("the reconnects")
            let seed = generator.seed
            let counts = (0..<500).map { _ in Int.random(in: 1...20, using: &generator) }
            let total = counts.reduce(0, +)

            try await withJournal { journal in
                try await journal.write([JournalEntry(1)])
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    async let numbers = blocking { try Self.read(counts, path, server) }
                    try await journal.withWriter { writer in
                        for start in stride(from: 2, through: total, by: 100) {
                            try await writer.write((start..<start + 100).map { JournalEntry($0) })
                            try await Task.sleep(for: .milliseconds(10))
                        }
                    }
                    let received = try await numbers
                    let wrong = zip(received, 1...).first { $0.0 != $0.1 }
                    #expect(received.count == total, "seed \(seed)")
                    #expect(wrong == nil, "the first wrong entry, and what should be there; seed \(seed)")
                }
            }
        }

        private static func read(_ counts: [Int], _ path: String, _ server: LogHostProcess) throws -> [Int] {
            var numbers: [Int] = []
            var last: String?
            let deadline = ContinuousClock.now + .seconds(45)
            for count in counts {
                guard ContinuousClock.now < deadline else { throw HarnessError("\(numbers.count) entries in 45 s") }
                let connection = try HTTPConnection(server.address(.unix))
                connection.readSize = 700
                let headers = last.map { ["Last-Event-ID": $0] } ?? [:]
                try connection.send(HTTPRequest(path, accept: "text/event-stream", headers: headers))
                let head = try connection.readHead()
                guard head.status == 200 else { throw HarnessError("status \(head.status) after \(numbers.count) entries") }
                for event in try connection.readEvents(entries: count) {
                    guard event.isEntry, let number = event.json?["fields"]?["N"]?.string.flatMap({ Int($0) }) else {
                        throw HarnessError("no entry: \(event)")
                    }
                    numbers.append(number)
                    last = event.id
                }
            }
            return numbers
        }
    }
}
