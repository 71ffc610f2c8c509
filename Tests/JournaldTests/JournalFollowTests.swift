import PluginKit
import Testing

@Suite(.bothReaders) struct JournalFollowTests {
    private static func follow(_ start: Query.Start, filter: Filter = Filter()) -> Query {
        var query = Query()
        query.start = start
        query.follow = true
        query.filter = filter
        return query
    }

    private static let written = WrittenJournal.ofOneBoot(300)

    @Test(arguments: ["", "PRIORITY=1"]) func `files come and go, and every entry is read once`(match: String) throws {
        try withJournal { journal in
            let written = Self.written
            let filter = match.isEmpty ? Filter() : Filter(clauses: [[Match("PRIORITY", "1")]])
            func expected(_ range: Range<Int>) -> [Int?] { range.filter { written[$0].passes(filter) } }
            try journal.write("a", Array(written[0..<100]))
            let source = try journal.source()
            let head = try ReaderRun(source, Self.follow(.head, filter: filter))
            let tail = try ReaderRun(source, Self.follow(.tail, filter: filter))
            #expect(try head.readAll().map(\.number) == expected(0..<100))
            #expect(try tail.readAll().isEmpty)

            try journal.write("b", Array(written[100..<200]))
            #expect(try head.read(until: expected(100..<200).count).map(\.number) == expected(100..<200))
            #expect(try tail.read(until: expected(100..<200).count).map(\.number) == expected(100..<200))

            try journal.remove("a")
            #expect(try head.readAll().isEmpty)
            #expect(try tail.readAll().isEmpty)

            try journal.write("c", Array(written[200..<300]))
            #expect(try head.read(until: expected(200..<300).count).map(\.number) == expected(200..<300))
            #expect(try tail.read(until: expected(200..<300).count).map(\.number) == expected(200..<300))
            #expect(head.gaps.isEmpty)
            #expect(tail.gaps.isEmpty)
        }
    }

    /// The handle knows the file, but stands at the tail of nothing.
    @Test(arguments: [0, -1, -10]) func `a follow from the tail of an empty file begins with its first entry`(skip: Int64) throws
    {
        try withJournal { journal in
            let writer = try LiveWriter(journal)
            var query = Self.follow(.tail)
            query.skip = skip
            let run = try ReaderRun(journal.source(), query)
            #expect(try run.readAll().isEmpty)
            var numbers: [Int?] = []
            for number in 0..<8 {
                writer.write(Self.written[number])
                numbers += try run.read(until: 1).map(\.number)
            }
            #expect(numbers == Array(0..<8))
            #expect(run.gaps.isEmpty)
        }
    }

    @Test func `a follow of nothing begins with the first file`() throws {
        try withJournal { journal in
            let source = try journal.source()
            for start in [Query.Start.head, .tail] {
                let run = try ReaderRun(source, Self.follow(start))
                #expect(try run.readAll().isEmpty)
                try journal.write("a", Array(Self.written[0..<10]))
                #expect(try run.read(until: 10).map(\.number) == Array(0..<10))
                #expect(run.gaps.isEmpty)
                try journal.remove("a")
                #expect(try run.readAll().isEmpty)
            }
        }
    }

    @Test func `a follow of a filter that nothing passes yet begins with the first entry that does`() throws {
        try withJournal { journal in
            try journal.write("a", Array(Self.written[0..<50]))
            let run = try ReaderRun(try journal.source(), Self.follow(.tail, filter: Filter(clauses: [[Match("N", "60")]])))
            #expect(try run.readAll().isEmpty)
            try journal.write("b", Array(Self.written[50..<100]))
            #expect(try run.read(until: 1).map(\.number) == [60])
            #expect(try run.readAll().isEmpty)
        }
    }

    @Test func `entries that were deleted before they were read are a gap`() throws {
        try withJournal { journal in
            try journal.write("a", Array(Self.written[0..<100]))
            let run = try ReaderRun(try journal.source(), Self.follow(.head))
            let first = try run.read(entries: 10)
            #expect(first.map(\.number) == Array(0..<10))
            try journal.remove("a")
            try journal.write("b", Array(Self.written[200..<300]))
            let rest = try run.read(until: 100)
            // What libsystemd still had mapped may come too, but nothing twice and nothing out of order.
            let numbers = rest.compactMap(\.number)
            #expect(Array(numbers.suffix(100)) == Array(200..<300))
            #expect(numbers == Set(numbers).sorted())
            #expect(numbers.first ?? 0 >= 10)
            let gaps = run.gaps
            #expect(gaps.map(\.cause) == (numbers.count == 190 ? [] : [.vacuum]))
            #expect(gaps.map(\.to) == gaps.map { _ in Array(rest[rest.count - 100].cursor.utf8) })
            #expect(gaps.map(\.count) == gaps.map { _ in nil })
        }
    }

    @Test(arguments: ["", "PRIORITY=1"]) func `a file that is renamed where a follow stands in it is not read again`(
        match: String
    ) throws {
        try withJournal { journal in
            let filter = match.isEmpty ? Filter() : Filter(clauses: [[Match("PRIORITY", "1")]])
            func expected(_ range: Range<Int>) -> [Int?] { range.filter { Self.written[$0].passes(filter) } }
            try journal.write("a", Array(Self.written[0..<100]))
            let source = try journal.source()
            let head = try ReaderRun(source, Self.follow(.head, filter: filter))
            let tail = try ReaderRun(source, Self.follow(.tail, filter: filter))
            let middle = try ReaderRun(source, Self.follow(.head, filter: filter))
            #expect(try head.readAll().map(\.number) == expected(0..<100))
            #expect(try tail.readAll().isEmpty)
            #expect(try middle.read(entries: 5).count == 5)
            // As journald rotates.
            try journal.rename("a", to: "a@0123")
            #expect(try head.readAll().isEmpty)
            #expect(try tail.readAll().isEmpty)
            try journal.write("a", Array(Self.written[100..<200]))
            #expect(try head.read(until: expected(100..<200).count).map(\.number) == expected(100..<200))
            #expect(try tail.read(until: expected(100..<200).count).map(\.number) == expected(100..<200))
            let rest = Array(expected(0..<200).dropFirst(5))
            #expect(try middle.read(until: rest.count).map(\.number) == rest)
            for run in [head, tail, middle] { #expect(run.gaps.isEmpty) }
        }
    }

    @Test func `a limit ends a follow`() throws {
        try withJournal { journal in
            try journal.write("a", Array(Self.written[0..<10]))
            var query = Self.follow(.head)
            query.limit = 15
            let run = try ReaderRun(try journal.source(), query)
            #expect(try run.readAll().count == 10)
            try journal.write("b", Array(Self.written[10..<100]))
            #expect(try run.read(until: 5).map(\.number) == Array(10..<15))
            #expect(try run.readAll().isEmpty)
        }
    }

    @Test func `more follows than there are handles for: each reads everything`() throws {
        try withJournal { journal in
            try journal.write("a", Array(Self.written[0..<20]))
            let source = try journal.source()
            let runs = try (0..<100).map { number in try ReaderRun(source, Self.follow(number % 2 == 0 ? .head : .tail)) }
            for (number, run) in runs.enumerated() {
                #expect(try run.readAll().count == (number % 2 == 0 ? 20 : 0))
            }
            try journal.write("b", Array(Self.written[20..<40]))
            for run in runs {
                #expect(try run.read(until: 20).map(\.number) == Array(20..<40))
                #expect(try run.readAll().isEmpty)
                #expect(run.gaps.isEmpty)
            }
        }
    }
}
