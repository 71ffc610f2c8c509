internal import Testing

extension EndToEndTests {
    /// Follows of a journal that is being written.
    @Suite struct FollowTests {
        @Test(
            arguments: [
                ("/v1/stream/?skip_prev=1", "text/plain"), ("/v1/stream/?skip_prev=1", "application/json"),
                ("/v1/range/?skip_prev=1&follow=true", "text/plain"), ("/v1/range/?skip_prev=1&follow=true", "application/json"),
                ("/v2/component?cursor=END&follow=true", "text/plain"),
                ("/v2/component?skip=-1&follow=true", "application/json"),
            ])
        func `a follow of lines gives the last entry and then the news`(target: String, accept: String) async throws {
            try await withJournal { journal in
                try await journal.write((1...10).map { JournalEntry($0) })
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    async let lines = server.open(HTTPRequest(target, accept: accept)) { head, connection in
                        var lines: [String] = []
                        while lines.count < 5, let line = try connection.readLine() {
                            if !line.isEmpty { lines.append(String(decoding: line, as: UTF8.self)) }
                        }
                        return lines
                    }
                    try await Task.sleep(for: .milliseconds(400))
                    try await journal.write((11...14).map { JournalEntry($0) })
                    #expect(try await lines.count == 5)
                    for (number, line) in zip(10..., try await lines) { #expect(line.contains("line \(number)"), "\(line)") }
                }
            }
        }

        @Test func `a follow passes its filter over old and new entries`() async throws {
            try await withJournal { journal in
                let entries = (1...400).map { JournalEntry($0, [("PARITY", Array(($0 % 2 == 0 ? "even" : "odd").utf8))]) }
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    try await journal.withWriter { writer in
                        try await writer.write(Array(entries.prefix(200)))
                        let request = HTTPRequest("/v2/component?filter=PARITY:even", accept: "text/event-stream")
                        async let events = server.open(request) { _, connection in try connection.readEvents(entries: 200) }
                        for entry in entries.dropFirst(200) { try await writer.write([entry]) }
                        let numbers = try await events.map { $0.json?["fields"]?["N"]?.string.flatMap { Int($0) } }
                        #expect(numbers == (1...200).map { $0 * 2 })
                    }
                }
            }
        }

        @Test func `twenty followers get the same entries in the same order`() async throws {
            try await withJournal { journal in
                try await journal.write([JournalEntry(0)])
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    try await journal.withWriter { writer in
                        let all = try await withThrowingTaskGroup(of: [String?].self) { group in
                            for index in 0..<20 {
                                let accept = index % 2 == 0 ? "text/event-stream" : "application/json"
                                let request = HTTPRequest("/v1/stream/", accept: accept)
                                group.addTask {
                                    try await server.open(request) { _, connection in
                                        try (0...1000).map { _ in try connection.readNumber(isEvent: index % 2 == 0) }
                                    }
                                }
                            }
                            // In small steps: each is a chance for a wake or a timer to be lost.
                            for start in stride(from: 1, through: 1000, by: 2) {
                                try await writer.write((start..<start + 2).map { JournalEntry($0) })
                                try await Task.sleep(for: .milliseconds(3))
                            }
                            return try await group.reduce(into: []) { $0.append($1) }
                        }
                        #expect(all.count == 20)
                        for received in all {
                            let wrong = zip(received, 0...).first { $0.0 != "\($0.1)" }
                            #expect(wrong == nil, "the first wrong entry, and what should be there")
                        }
                    }
                }
            }
        }

        @Test func `a v2 limit ends a follow only when that many entries have come`() async throws {
            try await withJournal { journal in
                try await journal.write([JournalEntry(1), JournalEntry(2)])
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    let request = HTTPRequest("/v2/component?limit=4", accept: "text/event-stream")
                    async let events = server.open(request) { _, connection in
                        try connection.readAllEvents().filter { $0.data != nil }
                    }
                    try await Task.sleep(for: .milliseconds(600))
                    try await journal.write((3...6).map { JournalEntry($0) })
                    #expect(try await events.map(\.name) == [nil, nil, nil, nil, "end"])
                }
            }
        }

        @Test func `until ends a follow and what is later does not come`() async throws {
            try await withJournal { journal in
                try await journal.write((1...3).map { JournalEntry($0) })
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    let request = HTTPRequest("/v2/component?until=@1700000000.004", accept: "text/event-stream")
                    async let events = server.open(request) { _, connection in try connection.readAllEvents().filter(\.isEntry) }
                    try await Task.sleep(for: .milliseconds(300))
                    try await journal.write((4...9).map { JournalEntry($0) })
                    #expect(try await events.map { $0.json?["fields"]?["N"]?.string } == ["1", "2", "3", "4"])
                }
            }
        }
    }
}

extension HTTPConnection {
    /// Reads the `N` of the next entry of a stream.
    fileprivate func readNumber(isEvent: Bool) throws -> String? {
        while true {
            if isEvent {
                guard let event = try self.readEvent() else { return nil }
                if event.isEntry { return event.json?["fields"]?["N"]?.string }
            } else {
                guard let line = try self.readLine() else { return nil }
                if !line.isEmpty { return try JSONValue(String(decoding: line, as: UTF8.self))["fields"]?["N"]?.string }
            }
        }
    }
}
