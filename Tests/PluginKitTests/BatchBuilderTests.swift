import PluginKit
internal import TestSupport
import Testing

@Suite struct BatchBuilderTests {
    @Test func `an empty builder holds nothing`() {
        var batch = BatchBuilder()
        #expect(batch.entryCount == 0)
        #expect(batch.byteCount == 0)
        #expect(batch.drained().isEmpty)
        #expect(batch.drained().isEmpty)
    }

    @Test func `an entry comes back as it was put in`() {
        var entry = PlainEntry([("A", "1"), ("B", ""), ("A", "2")], cursor: "c")
        entry.fields.append(.init(name: [], value: [0, 255, 61, 10]))
        (entry.realtime, entry.monotonic) = (.max, 7)
        entry.flags = EntryFlags([.noNewline, .continues, .continued]).rawValue
        var batch = BatchBuilder()
        batch.append(entry)
        #expect(batch.entryCount == 1)
        #expect(batch.byteCount == 10)
        #expect(batch.drained() == [entry])
        #expect(batch.entryCount == 0)
        #expect(batch.byteCount == 0)
    }

    @Test func `an entry without fields, cursor and times is one`() {
        var batch = BatchBuilder()
        batch.end(PlainEntry())
        batch.end(PlainEntry())
        #expect(batch.drained() == [PlainEntry(), PlainEntry()])
    }

    @Test func `fields belong to the entry that is ended after them`() {
        var batch = BatchBuilder()
        batch.append(PlainEntry([("A", "1")], cursor: "a"))
        batch.end(PlainEntry(cursor: "none"))
        batch.append("B", "2")
        batch.append("C", "3")
        #expect(batch.entryCount == 2)
        batch.end(PlainEntry(cursor: "b"))
        #expect(
            batch.drained() == [
                PlainEntry([("A", "1")], cursor: "a"), PlainEntry(cursor: "none"),
                PlainEntry([("B", "2"), ("C", "3")], cursor: "b"),
            ])
    }

    @Test func `fields that no entry was ended after are not in the batch, nor in the next`() {
        var batch = BatchBuilder()
        batch.append(PlainEntry([("A", "1")]))
        batch.append("LOST", "x")
        #expect(batch.drained() == [PlainEntry([("A", "1")])])
        batch.append(PlainEntry([("B", "2")]))
        #expect(batch.drained() == [PlainEntry([("B", "2")])])
    }

    @Test func `an abandoned entry leaves the others alone`() {
        var batch = BatchBuilder()
        batch.abandonEntry()
        batch.append("A", "1")
        batch.abandonEntry()
        batch.append(PlainEntry([("B", "2")]))
        batch.append("C", "3")
        batch.append("D", "4")
        batch.abandonEntry()
        batch.abandonEntry()
        batch.append(PlainEntry([("E", "5")]))
        #expect(batch.drained() == [PlainEntry([("B", "2")]), PlainEntry([("E", "5")])])
    }

    @Test func `of abandoned entries nothing is left, and others take their place`() {
        var batch = BatchBuilder()
        for _ in 0..<3 {
            for number in 0..<50 {
                batch.append(PlainEntry([("A", "\(number)"), ("LONG", String(repeating: "x", count: 20_000))]))
            }
            batch.append("OPEN", "x")
            batch.abandonEntries()
            #expect(batch.entryCount == 0 && batch.byteCount == 0)
        }
        batch.append(PlainEntry([("B", "2")]))
        batch.append(PlainEntry([("C", "3")]))
        #expect(batch.drained() == [PlainEntry([("B", "2")]), PlainEntry([("C", "3")])])
    }

    @Test(
        arguments: [
            ("A=1", Int.max, "A", "1"), ("A=", .max, "A", ""), ("A", .max, "A", ""), ("", .max, "", ""), ("=", .max, "", ""),
            ("=1", .max, "", "1"), ("A=b=c=", .max, "A", "b=c="), ("A==", .max, "A", "="),
            ("A=12345", 3, "A", "123"), ("A=12345", 0, "A", ""), ("A=12345", 5, "A", "12345"), ("A=12345", 6, "A", "12345"),
            ("A=", 0, "A", ""), ("LONGNAME", 3, "LONGNAME", ""), ("=12345", 1, "", "1"), ("A=b=c", 2, "A", "b="),
        ])
    func `a joined field is split at the first equals sign and its value cut`(
        joined: String, maximum: Int, name: String, value: String
    ) {
        var batch = BatchBuilder()
        unsafe batch.append(joined: Array(joined.utf8).span.bytes, maximumValueBytes: maximum)
        batch.end(PlainEntry())
        #expect(batch.drained() == [PlainEntry([(name, value)])])
    }

    @Test(arguments: [0, 1, 262_143, 262_144, 262_145, 1 << 20, 5 << 20])
    func `a value of any size keeps its neighbours`(size: Int) {
        var random = SeededInputs(state: UInt64(size))
        var entry = PlainEntry([("A", "before")], cursor: "cursor")
        entry.fields.append(.init(name: Array("BIG".utf8), value: random.bytes(size)))
        entry.fields.append(.init(name: Array("B".utf8), value: Array("behind".utf8)))
        var batch = BatchBuilder()
        for _ in 0..<3 {
            batch.append(entry)
            batch.append(PlainEntry([("C", "next")]))
            #expect(batch.drained() == [entry, PlainEntry([("C", "next")])])
        }
    }

    @Test func `many more entries and fields than it begins with`() {
        let entries = (0..<1_000).map { number in
            PlainEntry((0..<number % 20).map { ("NAME_\($0)", "\(number)/\($0)") }, cursor: "c\(number)")
        }
        var batch = BatchBuilder()
        for entry in entries { batch.append(entry) }
        #expect(batch.entryCount == 1_000)
        #expect(batch.drained() == entries)
        var wide = PlainEntry()
        wide.fields = (0..<50_000).map { .init(name: Array("N\($0)".utf8), value: Array("\($0)".utf8)) }
        batch.append(wide)
        #expect(batch.drained() == [wide])
    }

    @Test func `what draining throws comes through and the batch is empty then`() {
        struct Stop: Error {}
        var batch = BatchBuilder()
        batch.append(PlainEntry([("A", "1")]))
        batch.append(PlainEntry([("A", "2")]))
        var seen = 0
        #expect(throws: Stop.self) {
            try batch.drain { _ in
                seen += 1
                throw Stop()
            }
        }
        #expect(seen == 1)
        #expect(batch.entryCount == 0)
        #expect(batch.drained().isEmpty)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `any series of calls gives what a plain list of entries would`(seed: UInt64) {
        var random = SeededInputs(state: seed)
        var batch = BatchBuilder()
        for _ in 0..<8 {
            var expected: [PlainEntry] = []
            var open = PlainEntry()
            var bytes = 0
            for _ in 0..<Int.random(in: 0...4_000, using: &random) {
                switch Int.random(in: 0..<20, using: &random) {
                case 0...9:
                    let name = random.bytes(.random(in: 0...12, using: &random))
                    let value = random.bytes(Self.size(&random))
                    batch.append(name, value)
                    bytes += name.count + value.count
                    open.fields.append(.init(name: name, value: value))
                case 10...13:
                    let name = random.bytes(.random(in: 0...12, using: &random)).filter { $0 != UInt8(ascii: "=") }
                    let value = random.bytes(Self.size(&random))
                    let maximum = Bool.random(using: &random) ? Int.max : Int.random(in: 0...2_000, using: &random)
                    unsafe batch.append(joined: (name + [UInt8(ascii: "=")] + value).span.bytes, maximumValueBytes: maximum)
                    let kept = value.prefix(maximum)
                    bytes += name.count + 1 + kept.count
                    open.fields.append(.init(name: name, value: Array(kept)))
                case 14:
                    batch.abandonEntry()
                    open = PlainEntry()
                default:
                    open.cursor = random.bytes(.random(in: 0...200, using: &random))
                    open.realtime = random.next()
                    open.monotonic = random.next()
                    open.flags = UInt32.random(in: 0...7, using: &random)
                    batch.end(open)
                    bytes += open.cursor.count
                    expected.append(open)
                    open = PlainEntry()
                }
            }
            #expect(batch.entryCount == expected.count)
            #expect(batch.byteCount == bytes)
            // Comparing once: a failure would otherwise print megabytes.
            let same = batch.drained() == expected
            #expect(same, "seed \(seed)")
        }
    }

    private static func size(_ random: inout SeededInputs) -> Int {
        switch Int.random(in: 0..<400, using: &random) {
        case 0: .random(in: 200_000...600_000, using: &random)
        case 1...20: .random(in: 0...20_000, using: &random)
        default: .random(in: 0...80, using: &random)
        }
    }
}
