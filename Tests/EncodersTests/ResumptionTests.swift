import PluginKit
internal import TestSupport
import Testing

@Suite struct ResumptionTests {
    struct Format: Sendable, CustomTestStringConvertible {
        var name: String
        var options = EncodeOptions()
        var testDescription: String { "\(self.name) \(self.options)" }
    }

    static let formats = [
        Format(name: "json"), Format(name: "json", options: .init(exact: true)),
        Format(name: "json", options: .init(lines: true)),
        Format(name: "sse"), Format(name: "sse", options: .init(ids: true)),
        Format(name: "sse", options: .init(ids: true, exact: true)),
        Format(name: "text"), Format(name: "text", options: .init(lines: true)),
    ]

    /// In one large buffer, or in many.
    private static func compare(
        _ entries: [TestEntry], _ format: Format, seed: UInt64, shared: Bool, random: inout SeededInputs
    ) throws {
        let whole = try encoded(entries, format.name, format.options)
        var run = try EncoderRun(format.name, format.options)
        let largest = [4096, 4100, 5000, 16_384, 300_000].randomElement(using: &random) ?? 4096
        for entry in entries {
            try run.encode(entry, shared: shared) { Int.random(in: 4096...largest, using: &random) }
        }
        let same = run.bytes == whole
        #expect(
            same, "seed \(seed), buffers up to \(largest), first difference at \(zip(run.bytes, whole).prefix { $0 == $1 }.count)"
        )
    }

    @Test(arguments: Self.formats, 1...40 as ClosedRange<UInt64>)
    func `an entry in many buffers is the same bytes as in one`(format: Format, seed: UInt64) throws {
        var random = SeededInputs(state: seed)
        let entries = (0..<6).map { _ in random.entry(largest: 20_000) }
        for shared in [false, true] {
            try Self.compare(entries, format, seed: seed, shared: shared, random: &random)
        }
        guard format.name == "json" else { return }
        let whole = try encoded(entries, format.name, format.options)
        let reference: [UInt8] = entries.flatMap {
            ReferenceJSON.object($0, exact: format.options.exactValues, lines: format.options.lines) + [0x0A]
        }
        let same = whole == reference
        #expect(same, "seed \(seed)")
    }

    @Test(arguments: Self.formats, 1...2 as ClosedRange<UInt64>)
    func `so is one of megabytes`(format: Format, seed: UInt64) throws {
        var random = SeededInputs(state: seed &* 1_000)
        var entry = random.entry(largest: 1_000)
        for name in ["BIG", "MESSAGE", "BIG"] {
            entry.fields.append((Array(name.utf8), random.value(.random(in: 1_000_000...3_000_000, using: &random))))
        }
        entry.fields.append((Array("LAST".utf8), Array("x".utf8)))
        try Self.compare([entry, entry], format, seed: seed, shared: true, random: &random)
    }

    @Test(arguments: Self.formats) func `every length of a value around the end of a buffer`(format: Format) throws {
        for byte: UInt8 in [0x61, 0x22, 0x01, 0xFF] {
            let growth = byte == 0x61 ? 1 : byte == 0x22 ? 2 : byte == 1 ? 6 : 3
            for length in (4096 / growth - 160)...(4096 / growth + 40) {
                let entry = TestEntry([("MESSAGE", [UInt8](repeating: byte, count: length))])
                let whole = try encoded([entry], format.name, format.options)
                var run = try EncoderRun(format.name, format.options)
                try run.encode(entry) { 4096 }
                let same = run.bytes == whole
                #expect(same, "byte \(byte), \(length) times")
            }
        }
    }

    @Test(arguments: Self.formats) func `the rest of a buffer, however small, is used or left`(format: Format) throws {
        // The first entry leaves every number of bytes from 0 to 4,095 free in turn.
        var entry = TestEntry([("A", "1"), ("MESSAGE", "x€\n\"")])
        entry.cursor = [UInt8](repeating: UInt8(ascii: "c"), count: 512)
        let whole = try encoded([entry], format.name, format.options)
        for free in stride(from: 0, to: 4_096, by: 7) {
            var run = try EncoderRun(format.name, format.options)
            var first = true
            func capacity() -> Int {
                defer { first = false }
                return first ? max(4_096, whole.count + free) : 4_096
            }
            try run.encode(entry, capacity: capacity)
            first = false
            try run.encode(entry, shared: true, capacity: capacity)
            let same = run.bytes == whole + whole
            #expect(same, "\(free) bytes free")
        }
    }

    @Test func `the longest cursor, all of it escaped, fits the smallest buffer`() throws {
        var entry = TestEntry([("MESSAGE", "x")])
        entry.cursor = [UInt8](repeating: UInt8(ascii: "\""), count: 512)
        for format in Self.formats {
            var run = try EncoderRun(format.name, format.options)
            try run.encode(entry) { 4096 }
            let whole = try encoded([entry], format.name, format.options)
            #expect(run.bytes == whole)
        }
    }
}

extension SeededInputs {
    mutating func entry(largest: Int) -> TestEntry {
        let names = ["MESSAGE", "MESSAGE", "_PID", "PRIORITY", "_SYSTEMD_UNIT", "A_NAME_OF_MORE_THAN_A_WORD", "X"]
        var entry = TestEntry([(String, String)]())
        for number in 0..<Int.random(in: 0...24, using: &self) {
            let name = Bool.random(using: &self) ? names.randomElement(using: &self) ?? "X" : "FIELD_\(number)"
            let size =
                Int.random(in: 0..<5, using: &self) == 0
                ? Int.random(in: 0...largest, using: &self) : .random(in: 0...40, using: &self)
            entry.fields.append((Array(name.utf8), self.value(size)))
        }
        entry.cursor = Array("s=\(self.next());i=\(self.next())".utf8)
        entry.realtime = self.next() >> UInt64.random(in: 8...63, using: &self)
        entry.monotonic = self.next() >> UInt64.random(in: 0...63, using: &self)
        if Int.random(in: 0..<10, using: &self) == 0 { entry.flags = .noNewline }
        return entry
    }
}
