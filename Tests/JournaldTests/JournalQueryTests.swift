import PluginKit
internal import TestSupport
import Testing

/// Readers against a naive model of what a query means: boundaries between the entries that pass, counted in an array.
@Suite(.bothReaders) struct JournalQueryTests {
    private struct Model {
        var written: [WrittenEntry]

        func answer(_ query: Query, cursorEntry: Int?) -> (numbers: [Int], skipped: UInt64) {
            let passing = self.written.indices.filter { self.written[$0].passes(query.filter) }
            let forward = query.direction == .forward
            let boundary =
                switch query.start {
                case .head: 0
                case .tail: passing.count
                case .time(let microseconds): passing.count { self.written[$0].realtime < microseconds }
                case .cursor: passing.count { forward ? $0 <= cursorEntry ?? -1 : $0 < cursorEntry ?? -1 }
                }
            let moved = min(max(boundary + Int(clamping: query.skip.clamped), 0), passing.count)
            let ahead = forward ? Array(passing[moved...]) : passing[..<moved].reversed()
            let within = ahead.filter { number in
                let realtime = self.written[number].realtime
                return (query.since == 0 || realtime >= query.since) && (query.until == 0 || realtime <= query.until)
            }
            let numbers = query.limit == 0 ? within : Array(within.prefix(Int(clamping: query.limit)))
            return (numbers, UInt64(abs(moved - boundary)))
        }
    }

    private static func filter(_ random: inout SeededInputs) -> Filter {
        let names = ["PRIORITY", "_SYSTEMD_UNIT", "UNIT", "STREAM", "RARE", "N", "MISSING"]
        func match(_ random: inout SeededInputs) -> Match {
            let name = names.randomElement(using: &random) ?? "N"
            let value: String =
                switch name {
                case "PRIORITY": "\(Int.random(in: 0...8, using: &random))"
                case "_SYSTEMD_UNIT": "unit\(Int.random(in: 0...5, using: &random)).service"
                case "UNIT": "unit\(Int.random(in: 0...3, using: &random)).service"
                case "STREAM": ["stdout", "stderr", "std"].randomElement(using: &random) ?? ""
                case "N": "\(Int.random(in: 0...210, using: &random))"
                default: ""
                }
            return name == "RARE" ? Match(name: Array("RARE".utf8), value: [0, 255, 10, 61]) : Match(name, value)
        }
        let clauses = [0, 0, 1, 1, 2, 3].randomElement(using: &random) ?? 0
        return Filter(
            clauses: (0..<clauses).map { _ in
                (0..<Int.random(in: 1...5, using: &random)).map { _ in match(&random) }
            })
    }

    /// A query, and which entry its cursor is of.
    private static func query(_ read: [ReadEntry], _ random: inout SeededInputs) -> (Query, Int?) {
        var query = Query()
        var cursorEntry: Int?
        func time(_ random: inout SeededInputs) -> UInt64 {
            let entry = read[Int.random(in: read.indices, using: &random)].realtime
            return [entry, entry - 1, entry + 1, 1, .max >> 1].randomElement(using: &random) ?? entry
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: query.start = .head
        case 1: query.start = .tail
        case 2: query.start = .time(microseconds: time(&random))
        default:
            let ends = [0, read.count - 1, Int.random(in: read.indices, using: &random)]
            let number = ends.randomElement(using: &random) ?? 0
            cursorEntry = number
            query.start = .cursor(Array(read[number].cursor.utf8))
        }
        query.direction = Bool.random(using: &random) ? .forward : .backward
        switch Int.random(in: 0..<4, using: &random) {
        case 0: break
        case 1: query.skip = Int64.random(in: -3...3, using: &random)
        case 2: query.skip = Int64.random(in: -250...250, using: &random)
        default: query.skip = [Int64.min, .min + 1, .max, -1, 1].randomElement(using: &random) ?? 0
        }
        query.limit = [0, 0, 1, 2, UInt64.random(in: 1...250, using: &random), .max].randomElement(using: &random) ?? 0
        if Int.random(in: 0..<3, using: &random) == 0 { query.since = time(&random) }
        if Int.random(in: 0..<3, using: &random) == 0 { query.until = time(&random) }
        query.filter = Self.filter(&random)
        return (query, cursorEntry)
    }

    private static func check(_ written: [WrittenEntry], _ journal: JournalFixture, seed: UInt64, rounds: Int) throws {
        let source = try journal.source()
        let read = try readAll(source)
        try #require(read.map(\.number) == written.indices.map { $0 })
        let model = Model(written: written)
        var random = SeededInputs(state: seed)
        var answered = 0
        for round in 0..<rounds {
            let (query, cursorEntry) = Self.query(read, &random)
            let expected = model.answer(query, cursorEntry: cursorEntry)
            let run = try ReaderRun(source, query)
            let limits = ReadLimits(entries: [1, 3, 1_000].randomElement(using: &random) ?? 1, bytes: 1 << 20)
            var numbers: [Int] = []
            try run.readAll(limits: limits) { numbers.append($0.number ?? -1) }
            if !expected.numbers.isEmpty { answered += 1 }
            if numbers == expected.numbers, run.skipped == expected.skipped { continue }
            let failure: Comment = """
                seed \(seed), round \(round): \(query.text), cursor of \(cursorEntry.map { "\($0)" } ?? "none"):
                read \(numbers.prefix(10)) (\(numbers.count)), skipped \(run.skipped);
                expected \(expected.numbers.prefix(10)) (\(expected.numbers.count)), skipped \(expected.skipped)
                """
            Issue.record(failure)
            return
        }
        #expect(answered > rounds / 4, "too few queries had an answer")
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func `any query over one file`(seed: UInt64) throws {
        try withJournal { journal in
            let written = WrittenJournal.entries(200)
            try journal.write("a", written)
            try Self.check(written, journal, seed: seed, rounds: 1_500)
        }
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>) func `any query over three files, one behind the other`(seed: UInt64) throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(200)
            try journal.write("a", Array(written[..<50]))
            try journal.write("b", Array(written[50..<51]))
            try journal.write("c", Array(written[51...]))
            try Self.check(written, journal, seed: seed, rounds: 1_000)
        }
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>) func `any query over two files that interleave`(seed: UInt64) throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(200)
            try journal.write("a", written.enumerated().filter { $0.offset % 3 == 0 }.map(\.element))
            try journal.write("b", written.enumerated().filter { $0.offset % 3 != 0 }.map(\.element))
            try Self.check(written, journal, seed: seed, rounds: 1_000)
        }
    }
}

extension Int64 {
    /// Within what any journal of a test has.
    fileprivate var clamped: Int64 { Swift.min(Swift.max(self, -1_000_000), 1_000_000) }
}

extension Query {
    /// For messages of failed tests.
    var text: String {
        let clauses = self.filter.clauses.map { clause in
            clause.map { "\(String(decoding: $0.name, as: UTF8.self))=\(String(decoding: $0.value, as: UTF8.self))" }.joined(
                separator: "|")
        }
        let start =
            switch self.start {
            case .cursor(let bytes): "cursor \(String(decoding: bytes, as: UTF8.self))"
            default: "\(self.start)"
            }
        return
            "\(start), skip \(self.skip), \(self.direction), limit \(self.limit), \(self.since)...\(self.until), filter \(clauses)"
    }
}
