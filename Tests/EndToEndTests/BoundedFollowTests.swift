internal import Testing

extension EndToEndTests {
    /// Limits and times of follows that have reached the end of what there is.
    @Suite struct BoundedFollowTests {
        private static let old = 5
        private static let count = 40

        /// Entry number n is n milliseconds behind 1700000000.
        private static let cases: [(query: String, numbers: [Int], reason: String)] = [
            ("skip=-1&limit=3", [5, 6, 7], "limit"), ("limit=8", Array(1...8), "limit"), ("limit=30", Array(1...30), "limit"),
            ("skip=-1&until=@1700000000.020", Array(5...20), "end of log"),
            ("skip=-2&until=@1700000000.0205", Array(4...20), "end of log"),
            ("since=@1700000000.010&until=@1700000000.015", Array(10...15), "end of log"),
            ("skip=-1&since=@1700000000.010&limit=4", Array(10...13), "limit"),
            ("filter=PARITY:even&skip=-1&limit=3", [4, 6, 8], "limit"),
            ("filter=PARITY:even&until=@1700000000.011", [2, 4, 6, 8, 10], "end of log"),
            ("filter=PARITY:odd&since=@1700000000.010&limit=2", [11, 13], "limit"),
            ("until=@1700000000.030&limit=26", Array(1...26), "limit"),
            ("until=@1700000000.030&limit=36", Array(1...30), "end of log"),
        ]

        private static func entry(_ number: Int) -> JournalEntry {
            JournalEntry(number, [("PARITY", Array((number % 2 == 0 ? "even" : "odd").utf8))])
        }

        private static func withLiveServer(_ body: (LogHostProcess, JournalWriter) async throws -> Void) async throws {
            try await withJournal { journal in
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    try await journal.withWriter { writer in
                        try await writer.write((1...Self.old).map(Self.entry))
                        _ = try await server.follow("/v2/component", as: .sse) { try $0.read(to: Self.old) }
                        try await body(server, writer)
                    }
                }
            }
        }

        /// All at once and in all formats, so that most share a feed with others whose bounds are different.
        @Test(arguments: [1, 35])
        func `limit and until end live follows behind the right entry`(step: Int) async throws {
            try await Self.withLiveServer { server, writer in
                try await withThrowingTaskGroup(of: (Int, FollowFormat, Followed).self) { group in
                    for (index, item) in Self.cases.enumerated() {
                        for format in FollowFormat.allCases {
                            group.addTask {
                                try await server.follow("/v2/component?\(item.query)", as: format) { reader in
                                    try reader.readToEnd()
                                    return (index, format, Followed(reader))
                                }
                            }
                        }
                    }
                    try await Task.sleep(for: .milliseconds(700))
                    for start in stride(from: Self.old + 1, through: Self.count, by: step) {
                        try await writer.write((start..<start + step).map(Self.entry))
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    for try await (index, format, followed) in group {
                        let item = Self.cases[index]
                        let comment = Comment(rawValue: "\(item.query) as \(format)")
                        #expect(followed.difference(to: item.numbers) == nil, comment)
                        #expect(followed.isComplete, comment)
                        guard format == .sse else { continue }
                        let end = try #require(followed.records.last)
                        #expect(end.kind == .event("end"), comment)
                        #expect(end.id == "end", comment)
                        #expect(end.json?["reason"]?.string == item.reason, comment)
                        #expect(followed.records.dropLast().last?.id != nil)
                    }
                }
            }
        }

        @Test(arguments: FollowFormat.allCases)
        func `a live follow leaves out what is before since, and goes on`(format: FollowFormat) async throws {
            try await Self.withLiveServer { server, writer in
                async let followed = server.follow("/v2/component?since=@1700000000.0105", as: format) { reader in
                    try reader.read(to: Self.count)
                    return Followed(reader)
                }
                try await Task.sleep(for: .milliseconds(600))
                for number in Self.old + 1...Self.count { try await writer.write([Self.entry(number)]) }
                #expect(try await followed.difference(to: 11...Self.count) == nil)
            }
        }

        /// Whoever goes on from the end's cursor misses nothing.
        @Test(arguments: ["limit=4", "until=@1700000000.008"], [1, 35])
        func `the end of a live follow names its last entry`(bound: String, step: Int) async throws {
            try await Self.withLiveServer { server, writer in
                async let followed = server.follow("/v2/component?skip=-1&\(bound)", as: .sse) { reader in
                    try reader.readToEnd()
                    return Followed(reader)
                }
                try await Task.sleep(for: .milliseconds(600))
                for start in stride(from: Self.old + 1, through: Self.count, by: step) {
                    try await writer.write((start..<start + step).map(Self.entry))
                }
                let records = try await followed.records
                #expect(records.dropLast().compactMap(\.number) == [5, 6, 7, 8])
                let cursor = try #require(records.last?.json?["cursor"]?.string)
                #expect(cursor == records.dropLast().last?.id)
                let rest = try await server.get("/v2/component?cursor=\(cursor)&limit=1", accept: "application/json")
                #expect(try rest.field("N") == ["9"])
            }
        }
    }
}
