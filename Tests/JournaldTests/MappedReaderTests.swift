import Foundation
import Glibc
import Journald
import PluginKit
import Synchronization
internal import TestSupport
import Testing

/// The mapped files beside libsystemd: each is asked the same, and both must answer the same.
@Suite struct MappedReaderTests {
    /// What a reader answered.
    private struct Answer: Equatable {
        var entries: [ReadEntry] = []
        var skipped: UInt64 = 0
        var error: String?
    }

    private struct Readers {
        let mapped: JournalPlugin
        let libsystemd: JournalPlugin

        init(_ journal: JournalFixture) throws {
            func plugin(_ reader: String) throws -> JournalPlugin {
                try journalPlugin("{\"directory\":\"\(journal.directory)\",\"reader\":\"\(reader)\"}")
            }
            (self.mapped, self.libsystemd) = (try plugin("mapped"), try plugin("libsystemd"))
        }

        func answer(_ query: Query, of plugin: JournalPlugin) throws -> Answer {
            do {
                let run = try ReaderRun(try #require(plugin.source), query)
                return Answer(entries: try run.readAll(), skipped: run.skipped)
            } catch let error as PluginError {
                return Answer(error: "\(error.code) \(error.message) \(error.detail)")
            }
        }

        @discardableResult
        func compare(_ query: Query, _ comment: String = "") throws -> Answer {
            let mapped = try self.answer(query, of: self.mapped)
            let libsystemd = try self.answer(query, of: self.libsystemd)
            func numbers(_ answer: Answer) -> [Int] { answer.entries.map { $0.number ?? -1 } }
            #expect(mapped == libsystemd, "\(comment) \(query.text): \(numbers(mapped)), \(numbers(libsystemd))")
            return mapped
        }
    }

    private static func query(_ written: [WrittenEntry], _ read: [ReadEntry], _ random: inout SeededInputs) -> Query {
        var query = Query()
        let entry = read[Int.random(in: read.indices, using: &random)]
        query.start =
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .head
            case 1: .tail
            case 2: .time(microseconds: entry.realtime + UInt64.random(in: 0...1, using: &random))
            default: .cursor(Array(entry.cursor.utf8))
            }
        query.direction = Bool.random(using: &random) ? .forward : .backward
        query.skip = [0, Int64.random(in: -40...40, using: &random)].randomElement(using: &random) ?? 0
        query.limit = UInt64.random(in: 1...60, using: &random)
        query.filter.clauses = (0..<Int.random(in: 0...2, using: &random)).map { _ in
            (0..<Int.random(in: 1...3, using: &random)).map { _ in
                let fields = written[Int.random(in: written.indices, using: &random)].fields
                let field = fields[Int.random(in: fields.indices, using: &random)]
                return Match(name: Array(field.name.utf8), value: field.value)
            }
        }
        return query
    }

    /// Entries with values that are compressed, and with some that are long and incompressible.
    private static func written(_ count: Int) -> [WrittenEntry] {
        var random = SeededInputs(state: 7)
        return WrittenJournal.ofOneBoot(count).enumerated().map { number, entry in
            var entry = entry
            if number % 3 == 0 { entry.fields.append(("LONG", Array(repeating: UInt8(97 + number % 5), count: 3_000))) }
            if number % 11 == 0 { entry.fields.append(("NOISE", random.bytes(5_000))) }
            return entry
        }
    }

    @Test(arguments: ["SYSTEMD_JOURNAL_COMPACT=1", "SYSTEMD_JOURNAL_COMPACT=0"])
    func `both layouts of files, with compressed values, in files that overlap and repeat each other`(layout: String) throws {
        try withJournal { journal in
            let written = Self.written(240)
            try journal.write("a", (0..<240).filter { $0 % 3 == 0 || $0 % 10 == 0 }.map { written[$0] }, environment: layout)
            try journal.write("b", (0..<240).filter { $0 % 3 == 1 || $0 % 10 == 0 }.map { written[$0] }, environment: layout)
            try journal.write("c", (0..<240).filter { $0 % 3 == 2 }.map { written[$0] }, environment: layout)
            let readers = try Readers(journal)
            #expect(readers.mapped.isMapped)
            let read = try readers.compare(Query()).entries
            #expect(Set(read.compactMap(\.number)) == Set(0..<240))
            var random = SeededInputs(state: 3)
            var found = 0
            for round in 0..<300 {
                found += try readers.compare(Self.query(written, read, &random), "round \(round)").entries.count
            }
            #expect(found > 1_000)
        }
    }

    @Test func `what only libsystemd can read it does read`() throws {
        try withJournal { journal in
            let written = Self.written(60)
            try journal.write("a", Array(written[..<30]))
            let readers = try Readers(journal)
            #expect(readers.mapped.isMapped)
            // Hashes without a key, as files of old versions have them.
            try journal.write("b", Array(written[30...]), environment: "SYSTEMD_JOURNAL_KEYED_HASH=0")
            #expect(!readers.mapped.isMapped)
            #expect(try readers.compare(Query()).entries.map(\.number) == written.indices.map { $0 })
            try journal.remove("b")
            #expect(readers.mapped.isMapped)
        }
    }

    /// Entry objects of a file, by walking over its objects.
    private static func entries(of file: [UInt8]) -> [Int] {
        func word(_ offset: Int) -> Int { file[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) } }
        var offsets: [Int] = []
        var offset = word(88)
        while offset <= word(136) {
            if file[offset] == 3 { offsets.append(offset) }
            offset += (max(word(offset + 8), 16) + 7) & ~7
        }
        return offsets
    }

    @Test(arguments: [0, 1, 50, 98, 99]) func `a damaged entry is passed over`(number: Int) throws {
        try withJournal { journal in
            let written = Self.written(100)
            try journal.write("a", written)
            let path = "\(journal.directory)/a.journal"
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            let entries = Self.entries(of: bytes)
            try #require(entries.count == 100)
            bytes[entries[number]] = 0
            try Data(bytes).write(to: URL(filePath: path))
            let readers = try Readers(journal)
            for direction in [Query.Direction.forward, .backward] {
                for filter in [Filter(), Filter(clauses: [[Match("PRIORITY", "2")]])] {
                    var query = Query()
                    query.direction = direction
                    query.start = direction == .forward ? .head : .tail
                    query.filter = filter
                    let found = try readers.answer(query, of: readers.mapped).entries.compactMap(\.number)
                    let numbers = Set(found)
                    #expect(found == numbers.sorted { direction == .forward ? $0 < $1 : $0 > $1 })
                    // libsystemd itself may give up earlier.
                    let others = try readers.answer(query, of: readers.libsystemd).entries.compactMap(\.number)
                    #expect(numbers.isSuperset(of: others), "\(query.text)")
                    #expect(!numbers.contains(number))
                    if filter == Filter() { #expect(numbers.count == 99) }
                }
            }
        }
    }

    @Test(arguments: 1...80 as ClosedRange<UInt64>) func `no damage does more harm than an error`(seed: UInt64) throws {
        try withJournal { journal in
            let written = Self.written(60)
            try journal.write("a", written)
            let read = try readAll(journal.source())
            let path = "\(journal.directory)/a.journal"
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            let used = bytes[136..<144].reversed().reduce(0) { $0 << 8 | Int($1) }
            var random = SeededInputs(state: seed)
            for _ in 0..<Int.random(in: 1...60, using: &random) {
                // Half of them in the header and the tables, which most of all depends on.
                let end = Bool.random(using: &random) ? 300 : used
                bytes[Int.random(in: 16..<end, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try Data(bytes).write(to: URL(filePath: path))
            let readers = try Readers(journal)
            for _ in 0..<20 {
                // An answer, or an error of the plugin's own kind: any other fails the test.
                _ = try readers.answer(Self.query(written, read, &random), of: readers.mapped)
            }
        }
    }

    // MARK: Files that come and go

    @Test func `directories of any machine are read, and no others`() throws {
        try withJournal { journal in
            let written = Self.written(50)
            func move(_ range: Range<Int>, to name: String) throws {
                try journal.write("x", Array(written[range]))
                let directory = "\(journal.directory)/\(name)"
                try #require(unsafe mkdir(directory, 0o700) == 0)
                try #require(unsafe rename("\(journal.directory)/x.journal", "\(directory)/a.journal") == 0)
            }
            let machine = String(repeating: "ab", count: 16)
            try move(0..<10, to: machine)
            try move(10..<20, to: "\(machine).namespace")
            try move(20..<30, to: "remote")
            try journal.write("a", Array(written[30..<40]))
            let readers = try Readers(journal)
            #expect(try readers.compare(Query()).entries.map(\.number) == Array(0..<10) + Array(30..<40))
            #expect(readers.mapped.isMapped)
        }
    }

    @Test func `a file that comes while a follow reads is read in its place`() throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(100)
            try journal.write("a", written.filter { $0.number % 2 == 0 })
            var query = Query()
            query.follow = true
            query.start = .head
            for filter in [
                Filter(), Filter(clauses: [[Match("PRIORITY", "1"), Match("PRIORITY", "2"), Match("PRIORITY", "4")]]),
            ] {
                query.filter = filter
                let passing = written.filter { $0.passes(filter) }.map(\.number)
                let run = try ReaderRun(try #require(Readers(journal).mapped.source), query)
                let first = try run.read(entries: 10).compactMap(\.number)
                #expect(first == Array(passing.filter { $0 % 2 == 0 }.prefix(10)))
                try journal.write("b", written.filter { $0.number % 2 == 1 })
                let rest = passing.filter { $0 > first.last ?? 0 }
                #expect(try run.read(until: rest.count).map(\.number) == rest)
                #expect(run.gaps.isEmpty)
                try journal.remove("b")
            }
        }
    }

    @Test func `a file that comes within one batch of a follow is read in its place`() throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(30_000)
            try journal.write("a", written.filter { $0.number != 5 })
            try journal.write("b", [written[5]])
            try FileManager.default.createDirectory(atPath: "\(journal.directory)/beside", withIntermediateDirectories: false)
            try journal.rename("b", to: "beside/b")
            let source = try #require(Readers(journal).mapped.source)
            var query = Query()
            query.follow = true
            query.start = .head
            // Whether it comes while the batch is read is up to the threads.
            for delay in 1...200 as ClosedRange<UInt32> {
                let run = try ReaderRun(source, query)
                let came = Moment()
                Thread.detachNewThread {
                    usleep(delay * 200)
                    try? journal.rename("beside/b", to: "b")
                    came.time.withLock { $0 = .now }
                }
                let begun = ContinuousClock.now
                var numbers = try run.read(entries: 30_000, bytes: 1 << 30).compactMap(\.number)
                let ended = ContinuousClock.now
                while came.time.withLock({ $0 }) == nil { usleep(100) }
                let time = try #require(came.time.withLock { $0 })
                numbers += try run.readAll().compactMap(\.number)
                try journal.rename("b", to: "beside/b")
                guard begun + .milliseconds(1) < time, time + .milliseconds(5) < ended else { continue }
                #expect(numbers == Array(0..<30_000))
                return
            }
            Issue.record("it never came within a batch")
        }
    }

    /// Deletes a file as journald does.
    private static func vacuum(_ name: String, _ journal: JournalFixture) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: "\(journal.directory)/\(name).journal"))
        let size = try file.seekToEnd()
        try file.seek(toOffset: 0)
        try journal.remove(name)
        try file.write(contentsOf: Data(count: Int(size)))
        try file.close()
    }

    @Test func `a range that its file is taken from says so`() throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(200)
            try journal.write("a", Array(written[..<100]))
            try journal.write("b", Array(written[100...]))
            let run = try ReaderRun(try #require(Readers(journal).mapped.source), Query())
            #expect(try run.read(entries: 10).map(\.number) == Array(0..<10))
            try Self.vacuum("a", journal)
            #expect(try run.readAll().map(\.number) == Array(100..<200))
            #expect(run.gaps.map(\.cause) == [.vacuum])
        }
    }

    @Test(arguments: [Query.Direction.forward, .backward])
    func `a file that goes while another is read leaves no entries without fields`(direction: Query.Direction) throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(200)
            try journal.write("a", written.filter { $0.number % 2 == 0 })
            try journal.write("b", written.filter { $0.number % 2 == 1 })
            var query = Query()
            query.direction = direction
            query.start = direction == .forward ? .head : .tail
            for count in [10, 11] {
                let run = try ReaderRun(try #require(Readers(journal).mapped.source), query)
                var numbers = try run.read(entries: count).compactMap(\.number)
                #expect(numbers.count == count)
                try Self.vacuum("b", journal)
                let rest = try run.readAll()
                numbers += rest.compactMap(\.number)
                #expect(rest.allSatisfy { $0.number != nil })
                #expect(numbers.filter { $0 % 2 == 0 }.sorted() == Array(stride(from: 0, to: 200, by: 2)))
                #expect(numbers == numbers.sorted { direction == .forward ? $0 < $1 : $0 > $1 })
                try journal.write("b", written.filter { $0.number % 2 == 1 })
            }
        }
    }

    @Test func `a file that journald has deleted and overwritten is a gap`() throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(200)
            try journal.write("a", Array(written[..<100]))
            try journal.write("b", Array(written[100...]))
            var query = Query()
            query.follow = true
            query.start = .head
            let run = try ReaderRun(try #require(Readers(journal).mapped.source), query)
            #expect(try run.read(entries: 10).map(\.number) == Array(0..<10))
            try Self.vacuum("a", journal)
            let rest = try run.readAll()
            #expect(rest.map(\.number) == Array(100..<200))
            #expect(run.gaps.map(\.cause) == [.vacuum])
            #expect(run.gaps.map(\.to) == [Array(rest[0].cursor.utf8)])
        }
    }

    @Test(arguments: [0, 100, 1 << 20]) func `a file that is being made is read when it is`(size: Int) throws {
        try withJournal { journal in
            let written = WrittenJournal.ofOneBoot(20)
            try journal.write("a", Array(written[..<10]))
            let readers = try Readers(journal)
            var query = Query()
            query.follow = true
            query.start = .head
            let run = try ReaderRun(try #require(readers.mapped.source), query)
            #expect(try run.readAll().map(\.number) == Array(0..<10))
            try Data(count: size).write(to: URL(filePath: "\(journal.directory)/b.journal"))
            #expect(try run.readAll().isEmpty)
            #expect(readers.mapped.isMapped)
            try journal.write("b", Array(written[10...]))
            #expect(try run.read(until: 10).map(\.number) == Array(10..<20))
            #expect(try readers.compare(Query()).entries.count == 20)
        }
    }
}

/// When something happened, once it has.
private final class Moment: Sendable {
    let time = Mutex<ContinuousClock.Instant?>(nil)
}

extension WrittenEntry {
    /// The value of the field `N`.
    fileprivate var number: Int { self.values("N").first.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? -1 }
}
