import Glibc
import PluginKit
internal import TestSupport
import Testing

@Suite struct TextTests {
    /// What the C library makes of a time in this process's zone.
    private static func stamp(_ microseconds: UInt64) -> String {
        localTime(Int(microseconds / 1_000_000))
    }

    @Test(
        arguments: [
            "x", "", " ", "a\nb", "a\n", "\n\n", "tab\there", "\u{1B}[31mred\u{1B}[0m", "nul\u{0}nul", "\r\n", "é€😀", "a: b",
            "\u{FEFF}x",
        ])
    func `a message is written as it is behind its time`(message: String) throws {
        let entry = TestEntry([("A", "1"), ("MESSAGE", message), ("B", "2")])
        #expect(
            text(try encoded([entry, entry], "text"))
                == String(repeating: "\(Self.stamp(entry.realtime)): \(message)\n", count: 2))
        #expect(text(try encoded([entry, entry], "text", .init(lines: true))) == "\(message)\n\(message)\n")
    }

    @Test func `every byte is written as it is`() throws {
        let message = Array(UInt8.min ... .max)
        #expect(try encoded([TestEntry([("MESSAGE", message)])], "text", .init(lines: true)) == message + [0x0A])
    }

    @Test func `every entry that has a message is there, and no other`() throws {
        let entries = [
            TestEntry([("MESSAGE", "1")]), TestEntry([("MESSAGE_ID", "x"), ("message", "x"), ("MESSAGES", "x"), ("", "x")]),
            TestEntry([(String, String)]()), TestEntry([("MESSAGE", "")]), TestEntry([("X", "x"), ("MESSAGE", "2")]),
        ]
        let stamp = Self.stamp(entries[0].realtime)
        #expect(text(try encoded(entries, "text")) == "\(stamp): 1\n\(stamp): \n\(stamp): 2\n")
    }

    @Test func `of several messages the first`() throws {
        let entry = TestEntry([("MESSAGE", "1"), ("MESSAGE", "2"), ("A", "x")])
        #expect(text(try encoded([entry], "text", .init(lines: true))) == "1\n")
    }

    @Test func `an entry without a time has none written`() throws {
        var entry = TestEntry([("MESSAGE", "x")])
        entry.realtime = 0
        #expect(text(try encoded([entry], "text")) == "x\n")
    }

    @Test(arguments: [false, true]) func `a last line without a newline stays without one`(lines: Bool) throws {
        var entry = TestEntry([("MESSAGE", "x")])
        entry.flags = .noNewline
        let bytes = text(try encoded([entry], "text", .init(lines: lines)))
        #expect(bytes.hasSuffix("x"))
    }

    @Test(arguments: [4_095, 4_096, 4_097, 100_000, 3_000_000]) func `a message of any length`(size: Int) throws {
        var random = SeededInputs(state: UInt64(size))
        let message = random.bytes(size)
        var run = try EncoderRun("text", .init(lines: true))
        try run.encode(TestEntry([("MESSAGE", message)])) { 4_096 }
        try run.encode(TestEntry([("MESSAGE", "next")])) { 4_096 }
        let same = run.bytes == message + Array("\nnext\n".utf8)
        #expect(same)
    }
}

/// Formats a time as `strftime` does in the zone that is set.
func localTime(_ seconds: Int) -> String {
    var time = time_t(seconds)
    var local = unsafe tm()
    var buffer = [CChar](repeating: 0, count: 64)
    unsafe localtime_r(&time, &local)
    let count = unsafe strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &local)
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
}
