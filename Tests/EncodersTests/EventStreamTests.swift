import PluginKit
internal import TestSupport
import Testing

@Suite struct EventStreamTests {
    @Test func `an entry is an id, a line of data and an empty line`() throws {
        let entry = TestEntry([("MESSAGE", "a\nb\r\nc")])
        let object = text(ReferenceJSON.object(entry))
        #expect(text(try encoded([entry], "sse", .init(ids: true))) == "id: s=1;i=2\ndata: \(object)\n\n")
        #expect(text(try encoded([entry], "sse")) == "data: \(object)\n\n")
    }

    @Test func `a line of a file has its cursor in the id alone`() throws {
        let entry = TestEntry([("MESSAGE", "x")])
        #expect(
            text(try encoded([entry], "sse", .init(ids: true, lines: true)))
                == "id: s=1;i=2\ndata: {\"fields\":{\"MESSAGE\":\"x\"}}\n\n")
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func `a browser gets every entry and its id`(seed: UInt64) throws {
        var random = SeededInputs(state: seed)
        let entries = (0..<20).map { _ in random.entry(largest: 2_000) }
        for ids in [false, true] {
            let stream = EventStreamParser(try encoded(entries, "sse", .init(ids: ids)))
            #expect(stream.comments.isEmpty)
            let expected = entries.map {
                EventStreamParser.Message(
                    event: "message", data: text(ReferenceJSON.object($0)), lastEventID: ids ? text($0.cursor) : "")
            }
            let same = stream.messages.elementsEqual(expected) { $0 == $1 && $0.data.utf8.elementsEqual($1.data.utf8) }
            #expect(same, "seed \(seed)")
        }
    }

    @Test(
        arguments: [
            (
                Event(name: "gap", data: "{\"cause\":\"vacuum\"}", id: "c;1"),
                "event: gap\nid: c;1\ndata: {\"cause\":\"vacuum\"}\n\n"
            ),
            (Event(name: "end", data: "{}"), "event: end\ndata: {}\n\n"),
        ])
    func `a named event`(event: Event, expected: String) throws {
        var run = try EncoderRun("sse", .init(ids: true))
        try run.encode(event)
        #expect(text(run.bytes) == expected)
        let message = EventStreamParser(run.bytes).messages
        #expect(message == [.init(event: event.name, data: event.data, lastEventID: event.id)])
    }

    @Test func `an event without an id leaves the last one as it is`() throws {
        var run = try EncoderRun("sse", .init(ids: true))
        try run.encode(TestEntry([("A", "1")]))
        try run.encode(Event(name: "end", data: "{}"))
        let messages = EventStreamParser(run.bytes).messages
        #expect(messages.map(\.event) == ["message", "end"])
        #expect(messages.map(\.lastEventID) == ["s=1;i=2", "s=1;i=2"])
    }

    @Test func `an event beside entries in small buffers is no part of them`() throws {
        var random = SeededInputs(state: 9)
        var run = try EncoderRun("sse", .init(ids: true))
        for _ in 0..<50 {
            try run.encode(random.entry(largest: 9_000)) { 4_096 }
            try run.encode(Event(name: "gap", data: "{}", id: "x"))
        }
        let messages = EventStreamParser(run.bytes).messages
        #expect(messages.count == 100)
        #expect(messages.count { $0.event == "gap" && $0.data == "{}" } == 50)
    }

    @Test(
        arguments: [
            ("sse", false, ": ping\n\n"), ("sse", true, ": ping\n"), ("json", false, "\n"), ("json", true, "\n"),
            ("text", false, ""),
            ("text", true, ""),
        ])
    func `signs of life`(format: String, lines: Bool, expected: String) throws {
        #expect(text(try EncoderRun(format, .init(ids: true, lines: lines)).keepAlive) == expected)
    }

    @Test(arguments: [false, true]) func `a sign of life between two entries changes neither`(lines: Bool) throws {
        let entries = [TestEntry([("A", "1")]), TestEntry([("A", "2")])]
        let options = EncodeOptions(ids: true, lines: lines)
        let ping = try EncoderRun("sse", options).keepAlive
        let pieces = try entries.map { try encoded([$0], "sse", options) }
        let silent = EventStreamParser(pieces[0] + pieces[1])
        let alive = EventStreamParser(ping + pieces[0] + ping + ping + pieces[1] + ping)
        #expect(alive.messages == silent.messages)
        #expect(alive.messages.count == 2)
        #expect(alive.comments.count == 4)
    }

    @Test func `an answer ends without a word`() throws {
        for format in ["json", "sse", "text"] { #expect(try encoded([], format).isEmpty) }
    }

    @Test func `formats say what they are`() throws {
        #expect(try EncoderRun("sse").needs == Query.Needs())
        #expect(try EncoderRun("json").needs == Query.Needs())
        let needs = try EncoderRun("text").needs
        #expect(needs.fields == [Array("MESSAGE".utf8)])
        #expect(!needs.cursor && !needs.monotonic && needs.realtime)
        #expect(try !EncoderRun("text", .init(lines: true)).needs.realtime)
    }
}
