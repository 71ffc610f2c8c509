import PluginKit
internal import TestSupport
import Testing

@Suite struct JSONStringTests {
    /// Encodes values as fields of one entry, and compares with the reference and with what a parser reads.
    private static func check(_ values: [[UInt8]], _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let entry = TestEntry(values.enumerated().map { ("V\($0.offset)", $0.element) })
        let bytes = try encoded([entry], "json")
        let same = bytes == ReferenceJSON.object(entry) + [0x0A]
        #expect(same, comment, sourceLocation: sourceLocation)
        let parsed = try ParsedEntry.lines(bytes)
        try #require(parsed.count == 1)
        for (index, value) in values.enumerated() {
            var expected = String.UnicodeScalarView()
            expected.append(contentsOf: ReferenceJSON.scalars(value))
            let found = parsed[0].fields["V\(index)"]?.utf8
            #expect(found == Array(String(expected).utf8), "\(value)", sourceLocation: sourceLocation)
        }
    }

    @Test func `every byte at every place of values of every short length`() throws {
        for byte in UInt8.min ... .max {
            var values: [[UInt8]] = []
            for length in 1...25 {
                for place in 0..<length {
                    var value = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                    value[place] = byte
                    values.append(value)
                }
            }
            try Self.check(values, "byte \(byte)")
        }
    }

    @Test func `every pair of bytes`() throws {
        for first in UInt8.min ... .max {
            try Self.check((UInt8.min ... .max).map { [first, $0] }, "byte \(first)")
        }
    }

    @Test func `every character`() throws {
        for start in stride(from: UInt32(0), to: 0x11_0000, by: 0x4000) {
            var value = String.UnicodeScalarView()
            value.append(contentsOf: (start..<start + 0x4000).compactMap { Unicode.Scalar($0) })
            guard !value.isEmpty else { continue }
            let bytes = Array(String(value).utf8)
            let found = try ParsedEntry.lines(encoded([TestEntry([("V", bytes)])], "json"))[0].fields["V"]?.utf8
            let same = found == bytes
            #expect(same, "from U+\(String(start, radix: 16))")
        }
    }

    @Test(
        arguments: [
            // The first and the last of each length, and beside the surrogates.
            ([0xC2, 0x80], 0), ([0xDF, 0xBF], 0), ([0xE0, 0xA0, 0x80], 0), ([0xED, 0x9F, 0xBF], 0), ([0xEE, 0x80, 0x80], 0),
            ([0xEF, 0xBB, 0xBF], 0), ([0xEF, 0xBF, 0xBD], 0), ([0xEF, 0xBF, 0xBF], 0), ([0xF0, 0x90, 0x80, 0x80], 0),
            ([0xF4, 0x8F, 0xBF, 0xBF], 0), ([0xE2, 0x80, 0xA8], 0), ([0xE2, 0x80, 0xA9], 0),
            // Surrogates, alone and as a pair.
            ([0xED, 0xA0, 0x80], 3), ([0xED, 0xBF, 0xBF], 3), ([0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80], 6),
            // Longer than need be.
            ([0xC0, 0x80], 2), ([0xC1, 0xBF], 2), ([0xE0, 0x80, 0x80], 3), ([0xE0, 0x9F, 0xBF], 3),
            ([0xF0, 0x80, 0x80, 0x80], 4),
            ([0xF0, 0x8F, 0xBF, 0xBF], 4), ([0xF8, 0x88, 0x80, 0x80, 0x80], 5), ([0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], 6),
            // Beyond U+10FFFF.
            ([0xF4, 0x90, 0x80, 0x80], 4), ([0xF5, 0x80, 0x80, 0x80], 4), ([0xFE], 1), ([0xFF], 1), ([0xFF, 0xFF], 2),
            // Cut off.
            ([0xC3], 1), ([0xE2], 1), ([0xE2, 0x82], 2), ([0xF0], 1), ([0xF0, 0x9F], 2), ([0xF0, 0x9F, 0x98], 3),
            // Without a beginning.
            ([0x80], 1), ([0xBF], 1), ([0x80, 0x80, 0x80], 3),
            // A beginning where the rest should be.
            ([0xC3, 0xC3, 0xA9], 1), ([0xE2, 0x82, 0xC3, 0xA9], 2), ([0xF0, 0x9F, 0x98, 0xF0, 0x9F, 0x98, 0x80], 3),
        ] as [([UInt8], Int)])
    func `what is not UTF-8 becomes one U+FFFD for each byte, wherever it stands`(sequence: [UInt8], bad: Int) throws {
        #expect(ReferenceJSON.scalars(sequence).count { $0 == "\u{FFFD}" } == (sequence == [0xEF, 0xBF, 0xBD] ? 1 : bad))
        let endings: [[UInt8]] = [
            [], [0x61], [0x22], [0x0A], [0x5C], [0xC3, 0xA9], Array("abcdefgh".utf8), Array("\"\\\n€😀".utf8),
        ]
        var values: [[UInt8]] = []
        for before in 0...17 {
            for ending in endings {
                values.append([UInt8](repeating: 0x61, count: before) + sequence + ending)
                values.append([UInt8](repeating: 0x22, count: before) + sequence + ending + sequence)
            }
        }
        try Self.check(values, "\(sequence)")
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>) func `random values`(seed: UInt64) throws {
        var random = SeededInputs(state: seed)
        let values = (0..<1_000).map { _ in random.value(.random(in: 0...90, using: &random)) }
        try Self.check(values, "seed \(seed)")
    }

    @Test func `names and cursors are escaped as values are`() throws {
        var entry = TestEntry([("A\"B\\\n", "1"), ("é\u{0}", "2"), ("", "3")])
        entry.fields.append((name: [0xFF, 0x41], value: [0x34]))
        entry.cursor = Array("c\"\\\u{1F}é".utf8) + [0xFF]
        let bytes = try encoded([entry], "json")
        #expect(bytes == ReferenceJSON.object(entry) + [0x0A])
        let parsed = try ParsedEntry.lines(bytes)[0]
        #expect(parsed.fields == ["A\"B\\\n": .text("1"), "é\u{0}": .text("2"), "": .text("3"), "\u{FFFD}A": .text("4")])
        #expect(parsed.cursor == "c\"\\\u{1F}é\u{FFFD}")
    }

    @Test func `an object has exactly four keys, in one order`() throws {
        var entry = TestEntry([("A", "1")])
        entry.monotonic = .max
        entry.realtime = 0
        #expect(
            text(try encoded([entry, TestEntry([(String, String)]())], "json")) == """
                {"fields":{"A":"1"},"cursor":"s=1;i=2","monotonic_timestamp":18446744073709551615,"realtime_timestamp":0}
                {"fields":{},"cursor":"s=1;i=2","monotonic_timestamp":42,"realtime_timestamp":1700000000123456}

                """)
    }

    @Test func `a line of a file has no times`() throws {
        #expect(
            text(try encoded([TestEntry([("MESSAGE", "x")])], "json", .init(lines: true)))
                == "{\"fields\":{\"MESSAGE\":\"x\"},\"cursor\":\"s=1;i=2\"}\n")
    }
}

extension SeededInputs {
    /// A value in which everything happens: plain text, escapes, characters of all lengths, bytes that are none.
    mutating func value(_ count: Int) -> [UInt8] {
        let scalars: [Unicode.Scalar] = ["é", "€", "😀", "\u{7F}", "\u{80}", "\u{FFFF}", "\u{2028}", "\u{10FFFF}"]
        let kind = Int.random(in: 0..<6, using: &self)
        var value: [UInt8] = []
        value.reserveCapacity(count + 8)
        while value.count < count {
            switch kind == 5 ? Int.random(in: 0..<5, using: &self) : kind {
            case 0: value += [UInt8](repeating: UInt8.random(in: 0x23...0x5B, using: &self), count: 7)
            case 1: value.append(UInt8.random(in: 0...0x7F, using: &self))
            case 2: value += String(Character(scalars.randomElement(using: &self) ?? "é")).utf8
            case 3: value.append(UInt8.random(in: 0...255, using: &self))
            default: value.append([0x22, 0x5C, 0x0A, 0x00].randomElement(using: &self) ?? 0)
            }
        }
        value.removeLast(value.count - count)
        return value
    }
}
