import PluginKit
internal import TestSupport
import Testing

@Suite struct RepeatedFieldsTests {
    /// Fields, and the object they become: in text, and exactly.
    static let table: [(fields: KeyValuePairs<String, String>, text: String, exact: String)] = [
        (["A": "1"], #"{"A":"1"}"#, #"{"A":"1"}"#),
        (["A": "1", "A": "2"], #"{"A":"2"}"#, #"{"A":["1","2"]}"#),
        (["A": "1", "A": "1"], #"{"A":"1"}"#, #"{"A":["1","1"]}"#),
        (["A": "1", "B": "x", "A": "2"], #"{"B":"x","A":"2"}"#, #"{"A":["1","2"],"B":"x"}"#),
        (["B": "x", "A": "1", "A": "2"], #"{"B":"x","A":"2"}"#, #"{"B":"x","A":["1","2"]}"#),
        (["A": "1", "B": "x", "A": "2", "B": "y", "A": "3"], #"{"B":"y","A":"3"}"#, #"{"A":["1","2","3"],"B":["x","y"]}"#),
        (["A": "", "A": ""], #"{"A":""}"#, #"{"A":["",""]}"#),
        (["": "1", "": "2"], #"{"":"2"}"#, #"{"":["1","2"]}"#),
        (["A": "1", "AA": "2", "a": "3"], #"{"A":"1","AA":"2","a":"3"}"#, #"{"A":"1","AA":"2","a":"3"}"#),
        (
            ["ABCDEFGH1ABCDEFGH": "1", "ABCDEFGH2ABCDEFGH": "2"],
            #"{"ABCDEFGH1ABCDEFGH":"1","ABCDEFGH2ABCDEFGH":"2"}"#, #"{"ABCDEFGH1ABCDEFGH":"1","ABCDEFGH2ABCDEFGH":"2"}"#
        ),
    ]

    @Test(arguments: Self.table)
    func `of a repeated field the last, and exactly all in order`(
        fields: KeyValuePairs<String, String>, text: String, exact: String
    ) throws {
        let entry = TestEntry(fields.map { ($0.key, $0.value) })
        let tail = ",\"cursor\":\"s=1;i=2\",\"monotonic_timestamp\":42,\"realtime_timestamp\":1700000000123456}\n"
        #expect(try EncodersTests.text(encoded([entry], "json")) == "{\"fields\":\(text)\(tail)")
        #expect(try EncodersTests.text(encoded([entry], "json", .init(exact: true))) == "{\"fields\":\(exact)\(tail)")
        #expect(try EncodersTests.text(encoded([entry], "sse")) == "data: {\"fields\":\(text)\(tail)\n")
    }

    @Test func `exactly, what is not UTF-8 is an array of numbers`() throws {
        var entry = TestEntry([("BAD", [0, 9, 10, 99, 100, 255]), ("GOOD", Array("é\u{FFFD}\u{0}".utf8)), ("EMPTY", [])])
        entry.fields.append((Array("GOOD".utf8), [0xC3]))
        let parsed = try ParsedEntry.lines(encoded([entry], "json", .init(exact: true)))[0]
        #expect(
            parsed.fields == [
                "BAD": .bytes([0, 9, 10, 99, 100, 255]), "EMPTY": .text(""),
                "GOOD": .list([.text("é\u{FFFD}\u{0}"), .bytes([0xC3])]),
            ])
    }

    @Test(arguments: [false, true]) func `a thousand different names are a thousand keys, though their hashes collide`(
        exact: Bool
    ) throws {
        // 1,024 bits cannot hold them apart: the slow way must find that none repeats.
        let entry = TestEntry((0..<1_000).map { ("NAME_\($0)", "\($0)") })
        let bytes = try encoded([entry], "json", .init(exact: exact))
        #expect(bytes == ReferenceJSON.object(entry) + [0x0A])
        #expect(try ParsedEntry.lines(bytes)[0].fields.count == 1_000)
    }

    @Test(arguments: [false, true]) func `a thousand names, each several times`(exact: Bool) throws {
        var random = SeededInputs(state: 5)
        var fields = (0..<4_000).map { ("NAME_\($0 % 1_000)", "\($0)") }
        fields.shuffle(using: &random)
        let entry = TestEntry(fields)
        let bytes = try encoded([entry], "json", .init(exact: exact))
        #expect(bytes == ReferenceJSON.object(entry, exact: exact) + [0x0A])
        #expect(try ParsedEntry.lines(bytes)[0].fields.count == 1_000)
    }

    @Test(arguments: [false, true]) func `one name a thousand times`(exact: Bool) throws {
        let entry = TestEntry((0..<1_000).map { ("NAME", "\($0)") })
        let value = try ParsedEntry.lines(encoded([entry], "json", .init(exact: exact)))[0].fields["NAME"]
        #expect(value == (exact ? .list((0..<1_000).map { .text("\($0)") }) : .text("999")))
    }

    @Test func `what repeats in one entry does not in the next`() throws {
        let twice = TestEntry([("A", "1"), ("A", "2")])
        let once = TestEntry([("A", "1"), ("B", "2")])
        let bytes = try encoded([twice, once, twice, once], "json", .init(exact: true))
        #expect(bytes == [twice, once, twice, once].flatMap { ReferenceJSON.object($0, exact: true) + [0x0A] })
    }
}
