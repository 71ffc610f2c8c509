import PluginKit
internal import TestSupport
import Testing

@Suite struct PiecesTests {
    static let values: [[UInt8]] = [
        [], Array("a".utf8), Array("abcdefghijklmnopqrstuvwxyz".utf8), Array("é".utf8), Array("€".utf8), Array("😀".utf8),
        Array("ab€é😀\"\\\n\u{0}😀€z".utf8), [0xFF, 0x61, 0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xE2, 0x82, 0x61, 0x80],
        Array("x".utf8) + [0xED, 0xA0, 0x80] + Array("😀".utf8) + [0xF4, 0x90, 0x80, 0x80],
    ]

    /// The value after others, in pieces cut at each of the places.
    private static func check(_ value: [UInt8], cuts: (Int) -> [[Int]], sourceLocation: SourceLocation = #_sourceLocation) throws
    {
        let entry = TestEntry([("A", Array("1".utf8)), ("MESSAGE", value)])
        let object = ReferenceJSON.object(entry)
        let whole = ["json": object + [0x0A], "text": try encoded([entry], "text")]
        let stream = Array("data: ".utf8) + object + Array("\n".utf8)
        for places in cuts(value.count) {
            let pieces = entry.pieces(cutAt: places)
            for exact in [false, true] {
                for format in ["json", "text"] {
                    let bytes = try encoded(pieces, format, .init(exact: exact))
                    let same = bytes == whole[format]
                    #expect(same, "\(format), \(value) cut at \(places)", sourceLocation: sourceLocation)
                }
                let events = try encoded(pieces, "sse", .init(ids: true, exact: exact))
                let same =
                    try events == stream + Array("id: s=1;i=2\n\n".utf8)
                    && encoded(pieces, "sse", .init(exact: exact)) == stream + [0x0A]
                #expect(same, "sse, \(value) cut at \(places)", sourceLocation: sourceLocation)
            }
        }
    }

    @Test(arguments: Self.values) func `a value in two pieces, cut anywhere, is one value`(value: [UInt8]) throws {
        try Self.check(value) { count in (0...count).map { [$0] } }
    }

    @Test(arguments: Self.values) func `a value in three pieces, cut anywhere, is one value`(value: [UInt8]) throws {
        try Self.check(value) { count in
            (0...count).flatMap { first in (first...count).map { [first, $0] } }
        }
    }

    @Test(arguments: Self.values) func `a value byte by byte is one value`(value: [UInt8]) throws {
        try Self.check(value) { count in [Array(0..<max(count, 1))] }
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>) func `long values in pieces and small buffers`(seed: UInt64) throws {
        var random = SeededInputs(state: seed)
        let entries = (0..<3).map { _ in
            var entry = TestEntry([("A", "1")])
            // Pieces of random bytes are cut inside characters by themselves.
            entry.fields.append((Array("MESSAGE".utf8), random.value(.random(in: 0...40_000, using: &random))))
            return entry
        }
        for (format, options) in [("json", EncodeOptions()), ("sse", .init(ids: true)), ("text", .init())] {
            var run = try EncoderRun(format, options)
            var expected: [UInt8] = []
            for entry in entries {
                let size = entry.fields[1].value.count
                let cuts = (0..<Int.random(in: 1...6, using: &random)).map { _ in Int.random(in: 0...size, using: &random) }
                for piece in entry.pieces(cutAt: cuts.sorted()) {
                    try run.encode(piece, shared: true) { Int.random(in: 4_096...9_000, using: &random) }
                }
                switch format {
                case "text": expected += try encoded([entry], "text")
                case "json": expected += ReferenceJSON.object(entry) + [0x0A]
                default: expected += Array("data: ".utf8) + ReferenceJSON.object(entry) + Array("\nid: s=1;i=2\n\n".utf8)
                }
            }
            let same = run.bytes == expected
            #expect(same, "\(format), seed \(seed), difference at \(zip(run.bytes, expected).prefix { $0 == $1 }.count)")
        }
    }

    @Test func `the id stands on the last piece alone and belongs to its event`() throws {
        let first = TestEntry([("MESSAGE", "first")])
        var second = TestEntry([("MESSAGE", "second")])
        second.cursor = Array("s=1;i=3".utf8)
        let pieces = second.pieces(cutAt: [2, 4])
        let messages = EventStreamParser(try encoded([first] + pieces + [first], "sse", .init(ids: true))).messages
        #expect(messages.map(\.lastEventID) == ["s=1;i=2", "s=1;i=3", "s=1;i=2"])
        let cut = EventStreamParser(try encoded([first] + pieces.dropLast(), "sse", .init(ids: true)))
        // What there was of it is closed, and its client resumes before it.
        #expect(cut.messages.count == 2)
        #expect(cut.lastEventID == "s=1;i=2")
    }

    @Test func `the last piece says whether the line has an end`() throws {
        var entry = TestEntry([("MESSAGE", "abc")])
        entry.flags = .noNewline
        #expect(text(try encoded(entry.pieces(cutAt: [1]), "text", .init(lines: true))) == "abc")
        entry.flags = []
        #expect(text(try encoded(entry.pieces(cutAt: [1]), "text", .init(lines: true))) == "abc\n")
    }

    @Test func `a value that never ends is closed before the next entry`() throws {
        let pieces = TestEntry([("MESSAGE", "abc€")]).pieces(cutAt: [5])
        let next = TestEntry([("MESSAGE", "next")])
        let lines = text(try encoded([pieces[0], next], "json")).split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines { _ = try ParsedEntry(Array(line.utf8)) }
        #expect(String(lines[1]) == text(ReferenceJSON.object(next)))
        let messages = EventStreamParser(try encoded([pieces[0], next], "sse", .init(ids: true))).messages
        #expect(messages.last?.data == text(ReferenceJSON.object(next)))
        #expect(messages.last?.lastEventID == "s=1;i=2")
        #expect(messages.first?.lastEventID == "")
    }

    @Test func `an event after an unfinished value is an event`() throws {
        var run = try EncoderRun("sse", .init(ids: true))
        try run.encode(TestEntry([("MESSAGE", "abc")]).pieces(cutAt: [2])[0])
        try run.encode(Event(name: "gap", data: "{}"))
        try run.encode(TestEntry([("MESSAGE", "next")]))
        let messages = EventStreamParser(run.bytes).messages
        #expect(messages.map(\.event).suffix(2) == ["gap", "message"])
        #expect(messages.last?.data == text(ReferenceJSON.object(TestEntry([("MESSAGE", "next")]))))
    }

    @Test func `an answer that ends within a value is JSON all the same`() throws {
        let bytes = try encoded([TestEntry([("MESSAGE", "abc")]).pieces(cutAt: [2])[0]], "json")
        #expect(throws: Never.self) { try ParsedEntry.lines(bytes) }
    }

    @Test func `a repeated field whose last value comes in pieces has that value`() throws {
        let entry = TestEntry([("MESSAGE", "1"), ("B", "x"), ("MESSAGE", "abcd")])
        #expect(try encoded(entry.pieces(cutAt: [2]), "json") == ReferenceJSON.object(entry) + [0x0A])
    }
}
