import PluginKit
internal import TestSupport
import Testing

@Suite(.bothReaders) struct JournalReaderTests {
    @Test func `every entry comes back as it was written`() throws {
        try withJournal { journal in
            let written = WrittenJournal.entries(200)
            try journal.write("a", written)
            let read = try readAll(journal.source())
            #expect(read.map(\.number) == written.indices.map { $0 })
            for (read, written) in zip(read, written) {
                #expect(read.realtime == written.realtime)
                #expect(read.monotonic == written.monotonic)
                for name in Set(written.fields.map(\.name)) {
                    #expect(Set(read.values(name)) == Set(written.values(name)), "\(name)")
                }
                #expect(read.fields.count == written.fields.count + 1)
                #expect(read.values("_BOOT_ID").map { String(decoding: $0, as: UTF8.self) } == [written.bootID])
                #expect(read.cursor.contains(";b=\(written.bootID);m=\(String(written.monotonic, radix: 16));"))
            }
            #expect(Set(read.map(\.cursor)).count == 200)
        }
    }

    @Test func `values are cut at the limit and otherwise whole`() throws {
        try withJournal { journal in
            var random = SeededInputs(state: 1)
            let sizes = [0, 1, 767, 768, 4_096, 65_536, 1_000_000, 5_000_000]
            let written = sizes.enumerated().map { number, size in
                WrittenEntry(
                    realtime: WrittenJournal.start + UInt64(number), monotonic: UInt64(number + 1),
                    fields: [("N", Array("\(number)".utf8)), ("BIG", random.bytes(size))])
            }
            try journal.write("a", written)
            for maximum in [64 << 20, 1_000, 0] {
                let run = try ReaderRun(journal.source(), Query())
                let read = try run.readAll(limits: ReadLimits(entries: 2, bytes: 10_000, valueBytes: maximum))
                #expect(read.count == sizes.count)
                for (read, written) in zip(read, written) {
                    let same = read.values("BIG").first == written.values("BIG").first.map { Array($0.prefix(maximum)) }
                    #expect(same, "\(written.fields[1].value.count) bytes, cut at \(maximum)")
                }
            }
        }
    }

    @Test func `only the fields that are needed are read, and no cursor`() throws {
        try withJournal { journal in
            let written = WrittenJournal.entries(20)
            try journal.write("a", written)
            var query = Query()
            query.needs.fields = ["MESSAGE", "NOT_THERE", "STREAM"].map { Array($0.utf8) }
            query.needs.cursor = false
            query.needs.monotonic = false
            let read = try readAll(journal.source(), query)
            #expect(read.count == 20)
            for (read, written) in zip(read, written) {
                #expect(read.cursor == "")
                #expect(read.realtime == written.realtime)
                #expect(read.values("MESSAGE") == written.values("MESSAGE"))
                // Of a repeated one at least the first.
                #expect(Set(read.fields.map(\.name)) == (written.values("STREAM").isEmpty ? ["MESSAGE"] : ["MESSAGE", "STREAM"]))
            }
        }
    }

    @Test func `reading stops at the limits of a call and goes on behind`() throws {
        try withJournal { journal in
            try journal.write("a", WrittenJournal.entries(100))
            let whole = try readAll(journal.source())
            for limits in [
                ReadLimits(entries: 1, bytes: 1 << 20), ReadLimits(entries: 7, bytes: 1), ReadLimits(entries: 100, bytes: 999),
            ] {
                for direction in [Query.Direction.forward, .backward] {
                    var query = Query()
                    query.direction = direction
                    if direction == .backward { query.start = .tail }
                    let run = try ReaderRun(journal.source(), query)
                    let read = try run.readAll(limits: limits)
                    #expect(read == (direction == .forward ? whole : whole.reversed()))
                }
            }
        }
    }

    @Test func `after the limit of a query comes the end, as often as it is asked`() throws {
        try withJournal { journal in
            try journal.write("a", WrittenJournal.entries(10))
            var query = Query()
            query.limit = 3
            query.follow = true
            let run = try ReaderRun(journal.source(), query)
            #expect(try run.readAll().map(\.number) == [0, 1, 2])
            var batch = BatchBuilder()
            for _ in 0..<3 {
                guard case .end = try run.reader.read(into: &batch, limits: ReadLimits(entries: 10, bytes: 1_000)) else {
                    Issue.record("no end")
                    return
                }
            }
        }
    }

    @Test func `a cursor of the right form whose entry is gone is an error that has the oldest`() throws {
        try withJournal { journal in
            let written = WrittenJournal.entries(50)
            try journal.write("a", Array(written[..<25]))
            let old = try readAll(journal.source())
            try journal.remove("a")
            try journal.write("b", Array(written[25...]))
            let source = try journal.source()
            let kept = try readAll(source)
            var query = Query()
            for direction in [Query.Direction.forward, .backward] {
                query.direction = direction
                for entry in [old[0], old[24]] {
                    query.start = .cursor(Array(entry.cursor.utf8))
                    let error = #expect(throws: PluginError.self) { _ = try ReaderRun(source, query) }
                    #expect(error?.code == .cursorGone)
                    #expect(error?.detail == kept[0].cursor)
                }
            }
            // The oldest that passes the filter, which may be none.
            query.filter = Filter(clauses: [[Match("N", "40")]])
            let filtered = #expect(throws: PluginError.self) { _ = try ReaderRun(source, query) }
            #expect(filtered?.detail == kept[15].cursor)
            query.filter = Filter(clauses: [[Match("N", "none")]])
            let none = #expect(throws: PluginError.self) { _ = try ReaderRun(source, query) }
            #expect(none?.detail == "")
            // After an error the source answers as before.
            #expect(try readAll(source) == kept)
        }
    }

    @Test func `a place without journal files is empty, and a cursor of it is gone`() throws {
        try withJournal { journal in
            for directory in [journal.directory, journal.directory + "/missing"] {
                let source = try journalSource("{\"directory\":\"\(directory)\"}")
                for start in [Query.Start.head, .tail, .time(microseconds: 1)] {
                    for follow in [false, true] {
                        var query = Query()
                        query.start = start
                        query.skip = -3
                        query.follow = follow
                        let run = try ReaderRun(source, query)
                        #expect(run.skipped == 0)
                        #expect(try run.readAll().isEmpty)
                        #expect(run.gaps.isEmpty)
                    }
                }
                var query = Query()
                query.start = .cursor(Array(JournalCursorTests.good.utf8))
                let error = #expect(throws: PluginError.self) { _ = try ReaderRun(source, query) }
                #expect(error?.code == .cursorGone)
                #expect(error?.detail == "")
            }
        }
    }

    @Test(arguments: ["lower", "", "A B", "Ä"]) func `a filter that names no journal field is the request's fault`(name: String)
        throws
    {
        try withJournal { journal in
            try journal.write("a", WrittenJournal.entries(3))
            var query = Query()
            query.filter = Filter(clauses: [[Match(name, "x")]])
            let error = #expect(throws: PluginError.self) { _ = try ReaderRun(journal.source(), query) }
            #expect(error?.code == .invalid)
        }
    }

    @Test func `one file alone can be read, and a missing one is nothing`() throws {
        try withJournal { journal in
            try journal.write("a", WrittenJournal.entries(10))
            try journal.write("b", WrittenJournal.entries(10, from: 10))
            #expect(
                try readAll(journalSource("{\"files\":[\"\(journal.directory)/b.journal\"]}")).map(\.number) == Array(10..<20))
            #expect(try readAll(journalSource("{\"files\":[\"\(journal.directory)/none.journal\"]}")).isEmpty)
        }
    }

    @Test func `entries of two files come in the order of time`() throws {
        try withJournal { journal in
            let written = WrittenJournal.entries(100).enumerated().map { number, entry in
                var entry = entry
                entry.realtime = WrittenJournal.start + UInt64(number) * 1_000
                entry.monotonic = UInt64(number + 1) * 1_000
                return entry
            }
            try journal.write("a", written.enumerated().filter { $0.offset % 3 == 0 }.map(\.element))
            try journal.write("b", written.enumerated().filter { $0.offset % 3 != 0 }.map(\.element))
            #expect(try readAll(journal.source()).map(\.number) == written.indices.map { $0 })
            var query = Query()
            query.direction = .backward
            query.start = .tail
            #expect(try readAll(journal.source(), query).map(\.number) == written.indices.reversed().map { $0 })
        }
    }

    @Test func `handles are renewed within a long answer without losing the place`() throws {
        try withJournal { journal in
            var random = SeededInputs(state: 2)
            // 40 MB of fields: more than any budget, many times more than the smallest.
            let written = (0..<200).map { number in
                WrittenEntry(
                    realtime: WrittenJournal.start + UInt64(number / 3), monotonic: UInt64(number + 1),
                    fields: [
                        ("N", Array("\(number)".utf8)), ("PRIORITY", Array("\(number % 3)".utf8)), ("BIG", random.bytes(200_000)),
                    ])
            }
            try journal.write("a", Array(written[..<120]))
            try journal.write("b", Array(written[120...]))
            let source = try journal.source()
            for filter in [Filter(), Filter(clauses: [[Match("PRIORITY", "1"), Match("PRIORITY", "2")]])] {
                for direction in [Query.Direction.forward, .backward] {
                    var query = Query()
                    query.filter = filter
                    query.direction = direction
                    if direction == .backward { query.start = .tail }
                    let expected = written.indices.filter { written[$0].passes(filter) }
                    for follow in [false, true] where !(follow && direction == .backward) {
                        query.follow = follow
                        // Several at once: each has the smaller a share of the budget.
                        var runs = [try ReaderRun(source, query), try ReaderRun(source, query), try ReaderRun(source, query)]
                        for run in runs {
                            var numbers: [Int] = []
                            try run.readAll(limits: ReadLimits(entries: 3, bytes: 1 << 20)) { numbers.append($0.number ?? -1) }
                            #expect(numbers == (direction == .forward ? expected : expected.reversed()))
                            #expect(run.gaps.isEmpty)
                        }
                        runs = []
                    }
                }
            }
        }
    }
}
