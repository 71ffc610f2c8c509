internal import Glibc
internal import Testing

extension EndToEndTests {
    /// HTTP/2, frame by frame.
    @Suite struct TLSHTTP2Tests {
        typealias Frame = HTTP2Connection.Frame

        private static let follow = "/v2/component?cursor=END"
        private static let big = (1...100).map { JournalEntry($0, message: String(repeating: "x", count: 64 << 10)) }

        @Test func `one connection carries many follows and ranges, and no more than it says`() async throws {
            try await withTLSServer { server, site, journal in
                async let result = site.connectHTTP2(within: .seconds(40)) { connection in
                    var begun: Set<UInt32> = []
                    for index in 0..<99 { try connection.request(Self.follow, stream: UInt32(2 * index + 1)) }
                    _ = try connection.read { frame in
                        if frame.isOK { begun.insert(frame.stream) }
                        return begun.count == 99
                    }
                    try connection.request("/v1/range/", stream: 199, accept: "text/plain")
                    let range = try connection.answer(of: 199)
                    var news: Set<UInt32> = []
                    _ = try connection.read { frame in
                        if frame.type == Frame.data, String(decoding: frame.payload, as: UTF8.self).contains("line 6") {
                            news.insert(frame.stream)
                        }
                        return news.count == 99
                    }
                    // The hundredth, and one too many.
                    try connection.request(Self.follow, stream: 201)
                    let last = try connection.read { $0.stream == 201 && $0.isOK }
                    try connection.request(Self.follow, stream: 203)
                    while try connection.read() != nil {}
                    return (begun.count, range, news.count, last != nil)
                }
                try await Task.sleep(for: .seconds(1))
                try await journal.write([JournalEntry(6)])
                let (begun, range, news, isHundredth) = try await result
                #expect(begun == 99 && news == 99)
                #expect(range.isOK && range.reset == nil)
                #expect(String(decoding: range.body, as: UTF8.self).hasSuffix("line 5\n"))
                #expect(isHundredth)
                #expect(try await server.get("/healthz").status == 200)
            }
        }

        @Test func `a stream that is taken back ends its follow and no other`() async throws {
            try await withTLSServer(limits: ["followers": "2"]) { _, site, _ in
                let result = try await site.connectHTTP2 { connection in
                    try connection.request(Self.follow, stream: 1)
                    try connection.request(Self.follow, stream: 3)
                    var begun = 0
                    _ = try connection.read { frame in
                        if frame.isOK { begun += 1 }
                        return begun == 2
                    }
                    try connection.request(Self.follow, stream: 5)
                    let refused = try connection.answer(of: 5)
                    try connection.reset(1)
                    // Within a second, and nothing else has to happen.
                    sleepThread(1)
                    try connection.request(Self.follow, stream: 7)
                    let accepted = try connection.read { $0.stream == 7 && $0.type == Frame.headers }
                    let life = try connection.read { $0.stream == 3 && $0.type == Frame.data }
                    return (refused.isOK, accepted?.isOK, life != nil)
                }
                #expect(result == (false, true, true))
            }
        }

        @Test func `a stream that nobody takes from is ended alone`() async throws {
            try await withTLSServer(limits: ["range_stall": "1s", "follow_stall": "1s"], entries: Self.big) { _, site, _ in
                let (range, follow, other, afterwards) = try await site.connectHTTP2(window: 1000) { connection in
                    try connection.request("/v1/range/", stream: 1, accept: "text/plain")
                    try connection.request("/v2/component", stream: 3)
                    try connection.request("/v1/range/", stream: 5, accept: "text/plain")
                    try connection.open(window: 1 << 30, stream: 5)
                    var resets: [UInt32: UInt32] = [:]
                    var other = 0
                    var isOver = false
                    _ = try connection.read { frame in
                        if frame.type == Frame.reset { resets[frame.stream] = HTTP2Connection.number(frame.payload[0..<4]) }
                        if frame.stream == 5, frame.type == Frame.data { other += frame.payload.count }
                        if frame.stream == 5, frame.endsStream { isOver = true }
                        return isOver && resets.count == 2
                    }
                    try connection.request("/healthz", stream: 7)
                    return (resets[1], resets[3], other, try connection.answer(of: 7).body)
                }
                #expect(range != nil && follow != nil)
                #expect(other > 100 * (64 << 10), "what has room is not stopped by what has none")
                #expect(afterwards == Array("ok\n".utf8))
            }
        }

        @Test func `a stream that takes little is left alone, to its last byte`() async throws {
            let entries = (1...3).map { JournalEntry($0, message: String(repeating: "x", count: 40 << 10)) }
            try await withTLSServer(limits: ["range_stall": "2s"], entries: entries) { server, site, _ in
                let plain = try await server.get("/v1/range/")
                let answer = try await site.connectHTTP2(window: 20_000) { connection in
                    try connection.request("/v1/range/", stream: 1, accept: "text/plain")
                    var body: [UInt8] = []
                    while let frame = try connection.read(), frame.type != Frame.reset {
                        guard frame.stream == 1, frame.type == Frame.data else { continue }
                        body += frame.payload
                        if frame.endsStream { return body }
                        // Two and a half seconds in all.
                        sleepThread(Double(frame.payload.count) / 50_000)
                        if !frame.payload.isEmpty { try connection.open(window: frame.payload.count, stream: 1) }
                    }
                    return []
                }
                #expect(answer == plain.body)
            }
        }

        @Test func `SIGTERM ends follows with a comment, in frames`() async throws {
            try await withTLSServer { server, site, _ in
                let (isComplete, text, isGoAway, isClosed) = try await site.connectHTTP2 { connection in
                    try connection.request(Self.follow, stream: 1)
                    _ = try connection.read { $0.isOK }
                    server.child.send(SIGTERM)
                    var (isComplete, text, isGoAway) = (false, "", false)
                    while let frame = try connection.read() {
                        if frame.type == Frame.data { text += String(decoding: frame.payload, as: UTF8.self) }
                        if frame.stream == 1, frame.endsStream { isComplete = true }
                        if frame.type == Frame.goAway { isGoAway = HTTP2Connection.number(frame.payload[4..<8]) == 0 }
                    }
                    return (isComplete, text, isGoAway, true)
                }
                #expect(isComplete && isGoAway && isClosed)
                #expect(text.hasSuffix(": the host is stopping\n\n"))
                #expect(try await server.child.waitForExit(within: .seconds(8)) == .status(0))
            }
        }

        @Test func `a connection without streams is told to go`() async throws {
            try await withTLSServer(limits: ["idle": "1s"]) { _, site, _ in
                for asks in [false, true] {
                    let last = try await site.connectHTTP2(within: .seconds(10)) { connection in
                        if asks {
                            try connection.request("/healthz", stream: 1)
                            _ = try connection.answer(of: 1)
                        }
                        var last: Frame?
                        while let frame = try connection.read() { last = frame }
                        return last.map { ($0.type, HTTP2Connection.number($0.payload[0..<4])) }
                    }
                    #expect(last?.0 == Frame.goAway)
                    #expect(last?.1 == (asks ? 1 : 0))
                }
            }
        }

        @Test func `a connection with a follow is not idle`() async throws {
            try await withTLSServer(limits: ["idle": "500ms"]) { _, site, _ in
                let lives = try await site.connectHTTP2 { connection in
                    try connection.request(Self.follow, stream: 1)
                    let end = ContinuousClock.now + .seconds(2)
                    while ContinuousClock.now < end { guard try connection.read() != nil else { return false } }
                    return true
                }
                #expect(lives)
            }
        }

        enum Flood: Sendable, CaseIterable { case resets, continuations, pings, header, noise }

        @Test(arguments: Flood.allCases) func `a flood of frames ends its connection and harms nobody`(_ flood: Flood)
            async throws
        {
            try await withTLSServer { server, site, _ in
                let isClosed = try await site.connectHTTP2 { connection in
                    do {
                        switch flood {
                        case .resets:
                            for index in 0..<1000 {
                                try connection.request(Self.follow, stream: UInt32(2 * index + 1))
                                try connection.reset(UInt32(2 * index + 1))
                            }
                        case .continuations:
                            try connection.send(Frame.headers, flags: 1, stream: 1, payload: HTTP2Connection.header("/healthz"))
                            for _ in 0..<1000 {
                                try connection.send(Frame.continuation, stream: 1, payload: [0, 1, 0x61, 1, 0x62])
                            }
                        case .pings:
                            for _ in 0..<1000 { try connection.send(6, payload: [0, 0, 0, 0, 0, 0, 0, 0]) }
                        case .header:
                            let field = HTTP2Connection.field(
                                String(repeating: "a", count: 100), String(repeating: "b", count: 100))
                            let fields = Array(repeatElement(field, count: 75).joined())
                            let start = HTTP2Connection.header("/healthz")
                            try connection.send(Frame.headers, flags: 1, stream: 1, payload: start)
                            for number in 1...9 {
                                let flags: UInt8 = number == 9 ? 4 : 0
                                try connection.send(Frame.continuation, flags: flags, stream: 1, payload: fields)
                            }
                        case .noise:
                            try connection.send(
                                Frame.headers, flags: 5, stream: 1, payload: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
                        }
                        while try connection.read() != nil {}
                        return true
                    } catch {
                        // A connection that is reset is closed; one that goes on until the deadline is not.
                        return !"\(error)".contains("deadline")
                    }
                }
                #expect(isClosed)
                #expect(try await site.curl("/healthz", ["--http2"]).output == "ok\n\n2 200")
                #expect(try await server.get("/healthz").status == 200)
            }
        }

        @Test func `limits of headers and targets are the host's own`() async throws {
            try await withTLSServer(limits: ["header": "8KiB"]) { _, site, _ in
                let long = String(repeating: "x", count: 9000)
                #expect(try await site.curl("/\(long)", ["--http2"]).output.hasSuffix("\n2 414"))
                let fields = (0..<10).flatMap { ["-H", "X-\($0): \(String(repeating: "y", count: 1000))"] }
                #expect(try await site.curl("/healthz", ["--http2"] + fields).output.hasSuffix("\n2 431"))
                #expect(try await site.curl("/healthz", ["--http2", "-I"]).output.contains("content-length: 3"))
                #expect(try await site.curl("/v1/range/", ["--http2", "-I"]).output.hasSuffix("\n2 200"))
                #expect(try await site.curl("/v1/range/", ["--http2", "-X", "OPTIONS"]).output.hasSuffix("\n2 204"))
                let upload = "\(site.directory)/upload"
                try writeFile(upload, [UInt8](repeating: 0x61, count: 3 << 20))
                let (exit, output) = try await site.curl("/healthz", ["--http2", "--data-binary", "@\(upload)"])
                #expect(exit == .status(0) && output.hasSuffix("\n2 405"), "nobody has to wait for a body that is not read")
            }
        }

        @Test func `a request that is none is answered or taken back, and the next one is answered`() async throws {
            try await withTLSServer { _, site, _ in
                let body = try await site.connectHTTP2 { connection in
                    // CONNECT has no path; a request without a path is malformed.
                    let connect = HTTP2Connection.field(":method", "CONNECT")
                    let authority = HTTP2Connection.field(":authority", "localhost")
                    try connection.send(Frame.headers, flags: 5, stream: 1, payload: connect + authority)
                    _ = try connection.answer(of: 1)
                    try connection.send(Frame.headers, flags: 5, stream: 3, payload: authority)
                    _ = try connection.answer(of: 3)
                    try connection.request("/healthz", stream: 5)
                    return try connection.answer(of: 5).body
                }
                #expect(body == Array("ok\n".utf8))
            }
        }
    }
}
