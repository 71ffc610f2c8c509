internal import Glibc
internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct BoundsTests {
        /// Entry number n of the golden journal is n - 1 seconds and 123 µs after 2023-11-14 22:13:20.
        @Test(
            arguments: [
                ("since=@1700000010&until=@1700000012.5", [11, 12, 13]), ("since=@1700000010.000124&until=@1700000012", [12]),
                ("since=2023-11-14T22:13:30Z&until=2023-11-14T22:13:32.5Z", [11, 12, 13]),
                ("since=2023-11-14T23:13:30%2B01:00&limit=2", [11, 12]), ("since=2023-11-14T17:13:30-05:00&limit=1", [11]),
                ("until=@1700000002", [1, 2]), ("since=@1700000298", [299, 300]),
                ("since=@1700000010&skip_next=2&until=@1700000013", [11, 12, 13]), ("skip_prev=3&since=@1700000298.5", [300]),
                ("skip_prev=3&until=@1700000298.5", [298, 299]),
                ("read_reverse=true&since=@1700000297&limit=9", [300, 299, 298]),
                ("read_reverse=true&until=@1700000002", [2, 1]), ("since=@1700000012&until=@1700000010", []),
                ("since=@1800000000", []), ("until=@1600000000", []), ("since=&until=&limit=1", [1]),
                ("since=@1700000010&filter=_SYSTEMD_UNIT:gamma.service&limit=2", [12, 15]),
            ])
        func `since and until bound a v1 range`(query: String, numbers: [Int]) async throws {
            try await Self.expect("/v1/range/?\(query)", numbers)
        }

        @Test(
            arguments: [
                ("since=@1700000010&until=@1700000012.5", [11, 12, 13]), ("skip=-3&since=@1700000298.5", [300]),
                ("cursor=END&since=@1700000000", [300]), ("cursor=END&until=@1700000000", []),
                ("cursor=BEG&since=@1700000298", [299, 300]), ("skip=5&until=@1700000005.5", [5, 6]),
            ])
        func `since and until bound a v2 range`(query: String, numbers: [Int]) async throws {
            try await Self.expect("/v2/component?\(query)", numbers)
        }

        @Test func `a relative time counts back from now`() async throws {
            try await withJournal { journal in
                let now = UInt64(time(nil)) * 1_000_000
                var entries = (0..<3).map { JournalEntry($0) }
                for (index, seconds) in [7200, 1000, 10].enumerated() {
                    entries[index].realtime = now - UInt64(seconds) * 1_000_000
                }
                try await journal.write(entries)
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    for (query, numbers) in [
                        ("since=-1h", [2, 3]), ("since=-60s", [3]), ("until=-15m", [1, 2]), ("since=-1h30m&until=-5m", [2]),
                        ("since=-1d", [1, 2, 3]), ("until=-1w", []),
                    ] {
                        try await Self.expect("/v1/range/?\(query)", numbers, server)
                        try await Self.expect("/v2/component?\(query)", numbers, server)
                    }
                }
            }
        }

        @Test func `reading in reverse turns the whole range around`() async throws {
            let forward = try await Golden.server.get("/v1/range/", accept: "application/json").jsonLines
            let reverse = try await Golden.server.get("/v1/range/?read_reverse=true", accept: "application/json").jsonLines
            #expect(forward.count == 300)
            #expect(reverse == forward.reversed())
        }

        private static func expect(
            _ target: String, _ numbers: [Int], _ server: LogHostProcess? = nil, _ location: SourceLocation = #_sourceLocation
        ) async throws {
            let answer = try await (server ?? Golden.server).get(target, accept: "application/json")
            #expect(answer.status == (numbers.isEmpty ? 204 : 200), "\(target)", sourceLocation: location)
            #expect(try answer.entryNumbers == numbers, "\(target)", sourceLocation: location)
        }
    }
}
