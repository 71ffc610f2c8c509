import LogHost
internal import TestSupport
import Testing

@Suite struct LogRequestTests {
    static let now: UInt64 = 1_700_000_000_000_000
    static let range = RouteTraits(dialect: .journalV1, accepts: [.follow, .bounds, .postfix, .reverse])
    static let stream = RouteTraits(dialect: .journalV1, follow: .always, accepts: [.bounds, .lastEventID])
    static let component = RouteTraits(dialect: .journalV2, follow: .byAccept, accepts: [.follow, .bounds, .lastEventID])
    static let file = RouteTraits(dialect: .lines, follow: .byAccept, accepts: [.lastEventID])

    static func parse(
        _ raw: String, _ traits: RouteTraits, eventStream: Bool = false, id: String? = nil, limits: QueryLimits = QueryLimits()
    ) throws -> LogRequest {
        try LogRequest.parse(
            items: QueryItems(raw), traits: traits, eventStream: eventStream, lastEventID: id, now: Self.now, limits: limits)
    }

    static func cursor(_ text: String) -> LogQuery.Start {
        .cursor(Array(text.utf8))
    }

    // MARK: Resuming

    @Test func `a range takes an event's id when it is followed, and only then`() throws {
        #expect(try Self.parse("limit=3", Self.range, id: "s=1").query.start == .head)
        let follow = try Self.parse("follow=true&skip_next=3", Self.range, id: "s=1").query
        #expect(follow.start == Self.cursor("s=1") && follow.skip == 0 && follow.resumes)
        #expect(try Self.parse("follow=true", Self.range, id: "end").ended)
    }

    // MARK: Positions

    struct Place: Sendable {
        var raw: String
        var start: LogQuery.Start
        var skip: Int64 = 0
        var landing = Landing.boundary
    }

    static let max = UInt64(Int64.max)

    @Test(
        arguments: [
            Place(raw: "", start: .head),
            Place(raw: "limit=&skip_next=&skip_prev=&cursor=&read_reverse=", start: .head),
            Place(raw: "skip_next=1", start: .head, landing: .along(requested: 1)),
            Place(raw: "skip_next=50", start: .head, skip: 49, landing: .along(requested: 50)),
            Place(raw: "skip_prev=5", start: .tail, skip: -5, landing: .againstFromEnd(requested: 5)),
            Place(raw: "skip_next=3&skip_prev=5", start: .tail, skip: -5, landing: .againstFromEnd(requested: 5)),
            Place(raw: "skip_next=18446744073709551615", start: .head, skip: .max - 1, landing: .along(requested: max)),
            Place(raw: "skip_prev=18446744073709551615", start: .tail, skip: -.max, landing: .againstFromEnd(requested: max)),
            Place(
                raw: "cursor=c&skip_prev=9223372036854775807", start: cursor("c"), skip: -.max,
                landing: .againstFromCursor(requested: max)),
            Place(raw: "cursor=c", start: cursor("c")),
            Place(raw: "cursor=s%3D1%3Bi%3D2", start: cursor("s=1;i=2")),
            Place(raw: "cursor=s%253D1%253Bi%253D2", start: cursor("s=1;i=2")),
            Place(raw: "cursor=s=1;i=2", start: cursor("s=1;i=2")),
            Place(raw: "cursor=beg", start: cursor("beg")),
            Place(raw: "cursor=c&skip_next=2", start: cursor("c"), skip: 1, landing: .along(requested: 2)),
            Place(raw: "cursor=c&skip_prev=2", start: cursor("c"), skip: -3, landing: .againstFromCursor(requested: 2)),
            Place(raw: "cursor=c&skip_next=5&skip_prev=2", start: cursor("c"), skip: 2, landing: .along(requested: 3)),
            Place(
                raw: "cursor=c&skip_next=2&skip_prev=5", start: cursor("c"), skip: -4, landing: .againstFromCursor(requested: 3)),
            Place(raw: "cursor=c&skip_next=5&skip_prev=5", start: cursor("c")),
            Place(raw: "cursor=BEG", start: .head),
            Place(raw: "cursor=BEG&skip_next=2", start: .head, skip: 1, landing: .along(requested: 2)),
            Place(raw: "cursor=BEG&skip_prev=2", start: .tail, skip: -2, landing: .againstFromEnd(requested: 2)),
            Place(raw: "cursor=END", start: .tail, skip: -1, landing: .againstFromEnd(requested: 1)),
            Place(raw: "cursor=END&skip_prev=3", start: .tail, skip: -3, landing: .againstFromEnd(requested: 3)),
            Place(raw: "cursor=END&skip_next=3", start: .tail, skip: -1, landing: .againstFromEnd(requested: 1)),
            Place(raw: "read_reverse=true", start: .tail),
            Place(raw: "read_reverse=T&skip_prev=1", start: .tail, landing: .along(requested: 1)),
            Place(raw: "read_reverse=T&skip_prev=4", start: .tail, skip: -3, landing: .along(requested: 4)),
            Place(raw: "read_reverse=1&skip_next=4", start: .head, skip: 4, landing: .againstFromEnd(requested: 4)),
            Place(raw: "read_reverse=1&cursor=c", start: cursor("c")),
            Place(raw: "read_reverse=1&cursor=c&skip_prev=4", start: cursor("c"), skip: -3, landing: .along(requested: 4)),
            Place(
                raw: "read_reverse=1&cursor=c&skip_next=4", start: cursor("c"), skip: 5, landing: .againstFromCursor(requested: 4)
            ),
            Place(raw: "read_reverse=1&cursor=BEG", start: .head),
            Place(raw: "read_reverse=1&cursor=END", start: .tail, landing: .along(requested: 1)),
            Place(raw: "since=@5", start: .time(microseconds: 5_000_000)),
            Place(raw: "since=@5&cursor=BEG", start: .time(microseconds: 5_000_000)),
            Place(raw: "since=@5&cursor=c", start: cursor("c")),
            Place(raw: "since=@5&skip_next=1", start: .head, landing: .along(requested: 1)),
            Place(raw: "since=@5&cursor=END", start: .tail, skip: -1, landing: .againstFromEnd(requested: 1)),
            Place(raw: "until=@5", start: .head),
            Place(raw: "until=@5&read_reverse=true", start: .time(microseconds: 5_000_001)),
            Place(raw: "until=@5&read_reverse=true&cursor=BEG", start: .head),
            Place(raw: "until=@5&read_reverse=true&skip_prev=1", start: .tail, landing: .along(requested: 1)),
            Place(raw: "since=@5&read_reverse=true", start: .tail),
        ])
    func `a v1 position becomes a boundary, a skip and a landing`(place: Place) throws {
        let request = try Self.parse(place.raw, Self.range)
        #expect(request.query.start == place.start)
        #expect(request.query.skip == place.skip)
        #expect(request.landing == place.landing)
        #expect(!request.query.resumes)
    }

    @Test(
        arguments: [
            Place(raw: "skip=0", start: .head), Place(raw: "skip=", start: .head),
            Place(raw: "skip=2", start: .head, skip: 1, landing: .along(requested: 2)),
            Place(raw: "skip=%2B2", start: .head, skip: 1, landing: .along(requested: 2)),
            Place(raw: "skip=-4", start: .tail, skip: -4, landing: .againstFromEnd(requested: 4)),
            Place(raw: "skip=-9223372036854775808", start: .tail, skip: -.max, landing: .againstFromEnd(requested: max)),
            Place(raw: "cursor=BEG", start: .head),
            Place(raw: "cursor=END", start: .tail, skip: -1, landing: .againstFromEnd(requested: 1)),
            Place(raw: "cursor=END&skip=-3", start: .tail, skip: -3, landing: .againstFromEnd(requested: 3)),
            Place(raw: "cursor=c&skip=-2", start: cursor("c"), skip: -3, landing: .againstFromCursor(requested: 2)),
            Place(raw: "cursor=c&skip=2", start: cursor("c"), skip: 1, landing: .along(requested: 2)),
            Place(raw: "read_reverse=maybe&skip_next=x", start: .head),
        ])
    func `a v2 position becomes a boundary, a skip and a landing`(place: Place) throws {
        let request = try Self.parse(place.raw, Self.component)
        #expect(request.query.start == place.start)
        #expect(request.query.skip == place.skip)
        #expect(request.landing == place.landing)
        #expect(request.query.direction == .forward)
    }

    @Test(
        arguments: [
            Place(raw: "", start: .head), Place(raw: "skip=2", start: .head, skip: 2),
            Place(raw: "skip=-2", start: .tail, skip: -2), Place(raw: "cursor=BEG&skip=-2", start: .head, skip: -2),
            Place(raw: "cursor=0&skip=-2", start: .head, skip: -2), Place(raw: "cursor=BEG", start: .head),
            Place(raw: "cursor=END&skip=-2", start: .tail, skip: -2),
            Place(raw: "cursor=END", start: .tail), Place(raw: "cursor=7&skip=-1", start: cursor("7"), skip: -1),
            Place(raw: "cursor=7~ab&filter=nonsense", start: cursor("7~ab")),
        ])
    func `a position in a file is passed on as it is`(place: Place) throws {
        let request = try Self.parse(place.raw, Self.file)
        #expect(request.query.start == place.start)
        #expect(request.query.skip == place.skip)
        #expect(request.landing == .boundary)
        #expect(request.query.filter == LogFilter())
    }

    // MARK: Last-Event-ID

    @Test(
        arguments: [
            (stream, "skip_prev=5&cursor=c"), (component, "skip=-5&cursor=c"), (component, "skip=broken"),
            (file, "skip=-5&cursor=c"),
        ])
    func `Last-Event-ID takes the place of cursor and skips`(traits: RouteTraits, raw: String) throws {
        for id in ["s=1;i=2", "END", "BEG", "a%20b", "ending", "End"] {
            let request = try Self.parse(raw, traits, id: id)
            #expect(request.query.start == Self.cursor(id))
            #expect(request.query.skip == 0)
            #expect(request.landing == .boundary)
            #expect(request.query.resumes)
            #expect(!request.ended)
            #expect(request.skipHeaders(moved: 0) == (0, 0))
        }
        for id in ["end", "end;", "end;s=1"] {
            #expect(try Self.parse(raw, traits, id: id).ended)
        }
    }

    @Test func `an empty Last-Event-ID is none, and a range of v1 knows no such header`() throws {
        #expect(try !Self.parse("", Self.stream, id: "").query.resumes)
        #expect(try Self.parse("skip_prev=5", Self.stream, id: "").query.skip == -5)
        let request = try Self.parse("cursor=c", Self.range, id: "end")
        #expect(request.query.start == Self.cursor("c"))
        #expect(!request.query.resumes && !request.ended)
    }

    // MARK: Headers

    @Test(
        arguments: [
            ("", 0, 0, 0), ("skip_next=5000", 300, 300, 0), ("skip_prev=5000", 300, 0, 300), ("skip_prev=5", 9, 0, 5),
            ("cursor=c&skip_prev=2", 0, 0, 0), ("cursor=c&skip_next=5&skip_prev=2", 3, 5, 2),
            ("cursor=c&skip_next=5&skip_prev=2", 1, 3, 2),
            ("cursor=c&skip_next=2&skip_prev=5", 3, 2, 5), ("cursor=c&skip_next=2&skip_prev=5", 1, 2, 3),
            ("cursor=c&skip_next=4&skip_prev=4", 0, 4, 4), ("skip_next=7&skip_prev=2", 2, 7, 2),
            ("skip_next=700&skip_prev=900", 300, 300, 300),
            ("read_reverse=1&skip_prev=3", 3, 0, 3), ("cursor=END", 1, 0, 1), ("cursor=END&skip_next=4", 1, 0, 1),
            ("cursor=c&skip_next=18446744073709551615&skip_prev=18446744073709551615", .max, max, max),
        ] as [(String, UInt64, UInt64, UInt64)])
    func `the headers say what was really skipped`(raw: String, moved: UInt64, next: UInt64, prev: UInt64) throws {
        #expect(try Self.parse(raw, Self.range).skipHeaders(moved: moved) == (next, prev))
    }

    // MARK: Follow, bounds, the rest

    @Test(
        arguments: [
            (range, "", true, false), (range, "follow=true", false, true), (range, "follow=0", false, false),
            (range, "follow=", true, false),
            (stream, "", false, true), (stream, "follow=false", false, true), (stream, "follow=maybe", false, true),
            (component, "", true, true), (component, "", false, false), (component, "follow=t", false, true),
            (file, "follow=t", false, false),
        ])
    func `a follow is what route, encoder and parameter make it`(
        traits: RouteTraits, raw: String, eventStream: Bool, follow: Bool
    ) throws {
        #expect(try Self.parse(raw, traits, eventStream: eventStream).query.follow == follow)
    }

    @Test func `bounds are kept whatever the position`() throws {
        let request = try Self.parse("cursor=c&since=-15m&until=2023-11-14T22:13:20+00:00", Self.range)
        #expect(request.query.since == Self.now - 900_000_000)
        #expect(request.query.until == Self.now)
        #expect(try Self.parse("until=@0", Self.range).query.until == 1)
        #expect(try Self.parse("since=x&until=", Self.file).query.since == 0)
    }

    @Test func `limit, values and postfix are read`() throws {
        let request = try Self.parse("limit=18446744073709551615&values=exact&postfix=a+b&other=%20", Self.range)
        #expect(request.query.limit == .max)
        #expect(request.exactValues)
        #expect(request.postfix == "a b")
        #expect(try Self.parse("postfix=%0a", Self.component).postfix == nil)
        #expect(try Self.parse("limit=0&read_reverse=", Self.stream).query.limit == 0)
    }

    @Test(
        arguments: [
            (range, "limit=-1", "limit"), (range, "limit=%2B1", "limit"), (range, "limit=abc", "limit"),
            (range, "limit=1_0", "limit"),
            (range, "limit=18446744073709551616", "limit"), (range, "skip_next=-1", "skip_next"),
            (range, "skip_next=x", "skip_next"),
            (range, "skip_prev=1.5", "skip_prev"), (range, "read_reverse=maybe", "read_reverse"),
            (range, "read_reverse=yes", "read_reverse"),
            (range, "read_reverse=true&follow=true", "read_reverse"), (range, "follow=maybe", "follow"),
            (range, "cursor=a%25zz", "cursor"),
            (range, "values=all", "values"), (range, "postfix=a%0ab", "postfix"), (range, "postfix=%7f", "postfix"),
            (range, "postfix=" + String(repeating: "p", count: 256), "postfix"), (range, "since=yesterday", "since"),
            (range, "until=15m", "until"), (stream, "limit=3", "limit"), (stream, "read_reverse=true", "read_reverse"),
            (stream, "read_reverse=false", "read_reverse"), (component, "limit=-1", "limit"), (component, "skip=x", "skip"),
            (component, "skip=--1", "skip"), (component, "skip=9223372036854775808", "skip"), (component, "skip=1+", "skip"),
            (file, "skip=x", "skip"), (file, "limit=-1", "limit"), (file, "cursor=%2525%25", "cursor"),
            (range, "filter=", "filter"), (range, "filter=nocolon", "filter"), (range, "filter=:x", "filter"),
            (range, "filter=1A:x", "filter"),
            (range, "filter=__CURSOR:x", "filter"), (range, "filter=A-B:x", "filter"), (range, "filter=%c3%84:x", "filter"),
            (range, "filter=%ff:x", "filter"), (range, "filter=" + String(repeating: "A", count: 65) + ":x", "filter"),
            (component, "filter=A:" + String(repeating: "x", count: 4097), "filter"),
            (component, Array(repeating: "filter=A:x", count: 33).joined(separator: "&"), "filter"),
        ])
    func `what is wrong is 400 and named`(traits: RouteTraits, raw: String, parameter: String) {
        let problem = #expect(throws: Problem.self) { try Self.parse(raw, traits) }
        #expect(problem?.status == 400)
        #expect(problem?.parameter == parameter)
        #expect(problem?.detail.contains(parameter) == true)
        #expect((problem?.detail.utf8.count ?? .max) < 200)
    }

    // MARK: Filters

    @Test func `different fields all apply and one field's values are alternatives`() throws {
        let filter = try Self.parse(
            "filter=priority:3&filter=TARGET:10.0.0.1:80&filter=PRIORITY:4&filter=Priority:3&filter=_A9:", Self.range
        )
        .query.filter
        #expect(
            filter.clauses == [
                [LogMatch("PRIORITY", "3"), LogMatch("PRIORITY", "4")], [LogMatch("TARGET", "10.0.0.1:80")],
                [LogMatch("_A9", "")],
            ])
    }

    @Test func `a filter may be as long and frequent as the limits say`() throws {
        let longest = String(repeating: "A", count: 64) + ":" + String(repeating: "x", count: 4096)
        let raw = Array(repeating: "filter=\(longest)", count: 32).joined(separator: "&")
        #expect(try Self.parse(raw, Self.component).query.filter.clauses.count == 1)
        #expect(throws: Problem.self) { try Self.parse("filter=A:xx", Self.range, limits: QueryLimits(filterValueBytes: 1)) }
        #expect(try Self.parse("filter=A:%ff", Self.range).query.filter.clauses == [[LogMatch(name: [0x41], value: [0xff])]])
    }

    // MARK: Anything at all

    @Test func `no input traps`() {
        var random = SeededInputs(state: 7)
        let pieces = [
            "limit", "skip_next", "skip_prev", "skip", "cursor", "read_reverse", "since", "until", "filter", "values", "postfix",
            "follow",
            "=", "&", "=", "&", "%", "%25", "%ff", "+", "-", "@", ":", "BEG", "END", "c", "true", "exact", "A", "_", ".", "0",
            "1", "9",
            "9223372036854775807", "18446744073709551615", "-9223372036854775808", "2023-11-14T22:13:20", "Z", "m", "w", "\u{0}",
            "ü",
        ]
        var accepted = 0
        for _ in 0..<10_000 {
            var raw = ""
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                raw += pieces.randomElement(using: &random) ?? ""
                if Bool.random(using: &random) { raw += "=" + (pieces.randomElement(using: &random) ?? "") + "&" }
            }
            let traits = RouteTraits(
                dialect: [.none, .journalV1, .journalV2, .lines].randomElement(using: &random) ?? .none,
                follow: [.never, .always, .byAccept].randomElement(using: &random) ?? .never,
                accepts: AcceptedParameters(rawValue: UInt32.random(in: 0..<32, using: &random))
            )
            do {
                let request = try LogRequest.parse(
                    items: QueryItems(raw), traits: traits, eventStream: .random(using: &random),
                    lastEventID: [nil, nil, "", "end", "x"].randomElement(using: &random) ?? nil,
                    now: [0, Self.now, .max].randomElement(using: &random) ?? 0, limits: QueryLimits())
                for moved in [0, 1, UInt64.max] {
                    _ = request.skipHeaders(moved: moved)
                }
                accepted += 1
            } catch {
                #expect(error.status == 400)
            }
        }
        #expect(accepted > 1000, "too few inputs came through to test anything behind the first check")
    }
}
