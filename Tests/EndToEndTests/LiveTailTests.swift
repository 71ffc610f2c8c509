internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Followers that come at any moment, with any filter and in any format.
    @Suite struct LiveTailTests {
        private static let old = 200
        private static let count = 4000
        private static let filters = [
            "", "filter=PARITY:even", "filter=PARITY:odd", "filter=BUCKET:1&filter=BUCKET:2", "filter=PARITY:odd&filter=BUCKET:3",
        ]

        /// Where a follow begins.
        private enum Start: Sendable {
            case head
            case behind(Int)
            case resumed(Int)
            case back(Int)
        }

        private struct Follower: Sendable, CustomStringConvertible {
            var format: FollowFormat
            /// Path and parameters, but for where it begins.
            var log: String
            var isExact: Bool
            var start: Start
            var delay: Duration

            var description: String { "\(self.log) as \(self.format)\(self.isExact ? ", exact," : "") from \(self.start)" }

            var target: String { self.log + (self.isExact ? "&values=exact" : "") }

            static func random(_ number: Int, using generator: inout SeededGenerator) -> Self {
                let log =
                    switch number % 10 {
                    case 0: "/v2/component?filter=BUCKET:\(number / 10)"
                    case 1: "/v2/component/one.service?"
                    case 2 where number < 30: "/v2/component?filter=PARITY:neither"
                    default: "/v2/component?" + (LiveTailTests.filters.randomElement(using: &generator) ?? "")
                    }
                let start: Start =
                    switch Int.random(in: 0..<8, using: &generator) {
                    case 0: .head
                    case 1: .behind(.random(in: 1...LiveTailTests.old, using: &generator))
                    case 2: .resumed(.random(in: 1...LiveTailTests.old, using: &generator))
                    default: .back(.random(in: 1...20, using: &generator))
                    }
                let format = FollowFormat.allCases.randomElement(using: &generator) ?? .text
                return Self(
                    format: format, log: log, isExact: format != .text && .random(using: &generator), start: start,
                    delay: .milliseconds(.random(in: 0...2500, using: &generator)))
            }
        }

        /// What a follower got, and what was known when it began.
        private struct Result: Sendable {
            var follower: Follower
            var followed: Followed
            /// Certainly in the journal before it asked.
            var seen: Int
            /// At most in the journal when it was answered.
            var written: Int
        }

        /// Once with a ring that everybody fits, once with one that a burst overflows at once.
        @Test(arguments: ["8MiB", "64KiB"])
        func `a hundred followers get each entry once, in order, byte for byte as a range gives it`(ring: String) async throws {
            var generator = SeededGenerator("a hundred followers")
            let followers = (0..<100).map { Follower.random($0, using: &generator) }
            let steps = Self.steps(using: &generator)
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams["ring"] = ring
                try await withLogHost(configuration) { server in
                    let seen = Highest()
                    let written = Highest()
                    let arrived = Highest()
                    try await journal.withWriter { writer in
                        try await writer.write((1...Self.old).map(Self.entry))
                        let cursors = try await Self.cursors(of: Self.old, server)
                        try await withThrowingTaskGroup(of: Result?.self) { group in
                            group.addTask {
                                try await server.follow("/v2/component", as: .sse) { reader in
                                    while seen.value < Self.count, try reader.read() {
                                        seen.advance(to: reader.numbers.last ?? 0)
                                    }
                                }
                                return nil
                            }
                            for follower in followers {
                                group.addTask {
                                    try await Task.sleep(for: follower.delay)
                                    return try await Self.run(follower, cursors, server, seen, written, arrived)
                                }
                            }
                            group.addTask {
                                for (range, pause) in steps {
                                    written.advance(to: range.upperBound)
                                    try await writer.write(range.map(Self.entry))
                                    try await Task.sleep(for: pause)
                                }
                                return nil
                            }
                            try await arrived.wait(for: followers.count)
                            let ranges = try await Self.ranges(followers, server)
                            try await Self.checkResuming(ranges, server, &generator)
                            server.child.send(SIGTERM)
                            while let result = try await group.next() { if let result { Self.check(result, ranges) } }
                            #expect(try await server.child.waitForExit(within: .seconds(10)) == .status(0))
                        }
                    }
                }
            }
        }

        private static func entry(_ number: Int) -> JournalEntry {
            var entry = JournalEntry(number, message: "line \(number) \(String(repeating: "x", count: number % 150))")
            func add(_ name: String, _ value: some Collection<UInt8>) { entry.fields.append((name, Array(value))) }
            if number == self.count {
                // Passes every filter but the one that nothing passes.
                for parity in ["even", "odd"] { add("PARITY", parity.utf8) }
                for bucket in 0..<10 { add("BUCKET", "\(bucket)".utf8) }
                add("UNIT", "one.service".utf8)
                return entry
            }
            add("PARITY", (number % 2 == 0 ? "even" : "odd").utf8)
            add("BUCKET", "\(number % 10)".utf8)
            if number % 3 == 0 { add("UNIT", "one.service".utf8) }
            if number % 6 == 1 { add("_SYSTEMD_UNIT", "one.service".utf8) }
            // Different with values=exact and without.
            if number % 7 == 0 { for value in ["first", "second"] { add("REPEATED", value.utf8) } }
            if number % 11 == 0 { add("BINARY", [0, 0xFF, 0x0A, 0xC3]) }
            // Nothing as text.
            if number % 97 == 0 { entry.fields.removeAll { $0.name == "MESSAGE" } }
            return entry
        }

        private static func steps(using generator: inout SeededGenerator) -> [(ClosedRange<Int>, Duration)] {
            var steps: [(ClosedRange<Int>, Duration)] = []
            var next = self.old + 1
            while next <= self.count {
                // Now and then a burst.
                let size = Int.random(in: 0..<12, using: &generator) == 0 ? 300 : Int.random(in: 1...30, using: &generator)
                let end = min(next + size - 1, self.count)
                steps.append((next...end, .milliseconds(.random(in: 0...25, using: &generator))))
                next = end + 1
            }
            return steps
        }

        /// The cursors of the first entries, when they are all there.
        private static func cursors(of count: Int, _ server: LogHostProcess) async throws -> [String] {
            for _ in 0..<200 {
                let answer = try await server.get("/v1/range/", accept: "application/json")
                if answer.lines.count == count { return try answer.jsonLines.map { try #require($0["cursor"]?.string) } }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw HarnessError("the first entries were not written")
        }

        private static func run(
            _ follower: Follower, _ cursors: [String], _ server: LogHostProcess, _ seen: Highest, _ written: Highest,
            _ arrived: Highest
        ) async throws -> Result {
            var target = follower.target
            var id: String?
            switch follower.start {
            case .head: break
            case .behind(let number): target += "&cursor=\(cursors[number - 1])"
            case .resumed(let number): id = cursors[number - 1]
            case .back(let count): target += "&skip=-\(count)"
            }
            let seenBefore = max(Self.old, seen.value)
            return try await server.follow(target, as: follower.format, after: id, within: .seconds(25)) { reader in
                let writtenThen = max(Self.old, written.value)
                // The one that nothing passes has nothing to wait for.
                if !follower.log.hasSuffix("neither") { try reader.read(to: Self.count) }
                arrived.increment()
                try reader.readToEnd()
                return Result(follower: follower, followed: Followed(reader), seen: seenBefore, written: writtenThen)
            }
        }

        /// All records of each target in each format, as a reader without a tail gives them.
        private static func ranges(_ followers: [Follower], _ server: LogHostProcess) async throws -> [String: [FollowRecord]] {
            var ranges: [String: [FollowRecord]] = [:]
            for follower in followers {
                let all = Self.key(follower.target, .json)
                if ranges[all] == nil {
                    let answer = try await server.get("\(follower.target)&format=json")
                    ranges[all] = answer.lines.map { FollowRecord(Array($0.utf8), as: .json) }
                }
                let key = Self.key(follower.target, follower.format)
                guard ranges[key] == nil, let count = ranges[all]?.count else { continue }
                if count == 0 {
                    ranges[key] = []
                } else if follower.format == .text {
                    let answer = try await server.get("\(follower.target)&format=text")
                    ranges[key] = answer.lines.map { FollowRecord(Array($0.utf8), as: .text) }
                } else {
                    ranges[key] = try await server.follow("\(follower.target)&limit=\(count)", as: .sse) { reader in
                        try reader.readToEnd()
                        return reader.records.filter(\.isEntry)
                    }
                }
            }
            return ranges
        }

        private static func key(_ target: String, _ format: FollowFormat) -> String { "\(target) \(format)" }

        private static func check(_ result: Result, _ ranges: [String: [FollowRecord]]) {
            let follower = result.follower
            let comment = Comment(rawValue: "\(follower)")
            var records = result.followed.records
            if follower.format == .sse {
                #expect(records.popLast()?.kind == .comment("the host is stopping"), comment)
                #expect(records.allSatisfy { $0.id != nil }, comment)
            }
            #expect(result.followed.isComplete, comment)
            let range = ranges[Self.key(follower.target, follower.format)] ?? []
            var expected: [FollowRecord]
            switch follower.start {
            case .head: expected = range
            case .behind(let number), .resumed(let number): expected = range.filter { $0.number ?? 0 > number }
            case .back(let count):
                expected = range.suffix(records.count)
                // The skip counts entries that text leaves out, too.
                let all = (ranges[Self.key(follower.target, .json)] ?? []).compactMap(\.number)
                func first(at number: Int) -> Int {
                    let index = all.count { $0 <= number } - count
                    return all.isEmpty ? 0 : all[max(0, index)]
                }
                let number = expected.first?.number ?? 0
                let latest = range.first { $0.number ?? 0 >= first(at: result.written) }?.number ?? 0
                #expect((first(at: result.seen)...max(first(at: result.seen), latest)).contains(number), comment)
            }
            if follower.log.hasSuffix("neither") {
                #expect(records.isEmpty, comment)
                if follower.format != .text { #expect(result.followed.signsOfLife > 0, comment) }
            } else {
                #expect(records.count > 0, comment)
            }
            let wrong = zip(records, expected).first { $0 != $1 }
            #expect(records.count == expected.count, comment)
            #expect(wrong == nil, "the first wrong record, and what should be there: \(follower)")
        }

        /// Whoever comes back with an id gets what is behind it.
        private static func checkResuming(
            _ ranges: [String: [FollowRecord]], _ server: LogHostProcess, _ generator: inout SeededGenerator
        ) async throws {
            for (key, records) in ranges.sorted(by: { $0.key < $1.key }) where key.hasSuffix("sse") && records.count > 1 {
                let index = Int.random(in: 0..<records.count - 1, using: &generator)
                let id = try #require(records[index].id)
                let target = String(key.dropLast(4))
                let rest = try await server.follow(target, as: .sse, after: id) { reader in
                    try reader.read(records: records.count - index - 1)
                    return reader.records
                }
                #expect(rest == Array(records[(index + 1)...]), "behind \(id) of \(target)")
            }
        }
    }
}
