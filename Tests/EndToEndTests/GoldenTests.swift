internal import Testing

extension EndToEndTests {
    /// What the reference implementation answered, corrected where it was wrong.
    @Suite(.goldenServer) struct GoldenTests {
        @Test func `there are 111 golden cases`() throws {
            #expect(try GoldenCase.load().count == 111)
        }

        @Test(arguments: GoldenCase.all)
        func `the answer is the reference's or its correction`(golden: GoldenCase) async throws {
            let isFollow = golden.followEntries != nil && golden.expect.status == 200
            let answer = try await isFollow ? Self.follow(golden) : Golden.server.send(golden.request)
            #expect(answer.head.status == golden.expect.status, "the body is \(answer.text.prefix(500))")
            guard answer.head.status == golden.expect.status else { return }
            Self.compareHeader(answer.head, golden)
            if let entries = golden.expect.entries {
                let cursors = try Self.objects(answer.text, golden.accept).map { $0["cursor"]?.string ?? "" }
                #expect(cursors.map { $0.split(separator: ";").first { $0.hasPrefix("i=") }.map(String.init) } == entries)
            }
            if golden.keepsBody { try Self.compareBody(answer, golden) }
            switch golden.expect.status {
            case 204: #expect(answer.body.isEmpty)
            case 410: #expect(answer.text.contains(Golden.oldest), "410 names the oldest cursor")
            default: break
            }
        }

        /// Reads the entries that are there, or the first sign of life where there are none; the body is written anew.
        private static func follow(_ golden: GoldenCase) async throws -> HTTPAnswer {
            let count = golden.entries?.isEmpty ?? true ? 0 : golden.followEntries ?? 0
            return try await Golden.server.open(golden.request) { head, connection in
                var text = ""
                var left = max(count, 1)
                while left > 0, let event = try connection.readEvent() {
                    if let comment = event.comment, count == 0 { text += ": \(comment)\n\n" }
                    if let id = event.id { text += "id: \(id)\n" }
                    if let data = event.data { text += "data: \(data)\n\n" }
                    if event.data != nil || count == 0 { left -= 1 }
                }
                return HTTPAnswer(head: head, body: Array(text.utf8), isComplete: connection.isComplete)
            }
        }

        private static func compareHeader(_ head: HTTPHead, _ golden: GoldenCase) {
            guard golden.status == golden.expect.status else { return }
            for name in ["x-journal-skip-next", "x-journal-skip-prev", "cache-control", "x-accel-buffering"] {
                if let value = golden.responseHeaders[name] { #expect(head[name] == value, "\(name)") }
            }
            if golden.status == 200, let type = golden.responseHeaders["content-type"] {
                #expect(head.mediaType == type.split(separator: ";").first.map(String.init))
            }
        }

        private static func compareBody(_ answer: HTTPAnswer, _ golden: GoldenCase) throws {
            if golden.followEntries == nil { #expect(answer.isComplete) }
            if golden.accept == "text/plain", let count = golden.bodyBytes { #expect(answer.body.count == count) }
            guard let body = golden.body else { return }
            switch answer.head.mediaType {
            case "text/plain": #expect(answer.text == body)
            case "text/event-stream":
                #expect(Self.ids(answer.text) == Self.ids(body))
                #expect(Self.comments(answer.text) == Self.comments(body))
                #expect(try Self.objects(answer.text, golden.accept) == Self.objects(body, golden.accept))
            default:
                #expect(try answer.jsonLines == body.split(separator: "\n").map { try JSONValue($0) })
            }
        }

        private static func objects(_ body: String, _ accept: String) throws -> [JSONValue] {
            let lines = body.split(separator: "\n")
            guard accept == "text/event-stream" else { return try lines.map { try JSONValue($0) } }
            return try lines.filter { $0.hasPrefix("data: ") }.map { try JSONValue($0.dropFirst(6)) }
        }

        /// What stands in the id line of each event, or nothing.
        private static func ids(_ body: String) -> [Substring] {
            body.split(separator: "\n").filter { $0.hasPrefix("id:") }
        }

        private static func comments(_ body: String) -> [Substring] {
            body.split(separator: "\n").filter { $0.hasPrefix(":") }
        }
    }
}
