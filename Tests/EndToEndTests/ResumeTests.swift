internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct ResumeTests {
        @Test(arguments: [
            "/v2/component?limit=3", "/v2/component/alpha.service?limit=3", "/v2/component?skip=-2&limit=2",
            "/v1/range/?follow=true&limit=3",
        ])
        func `a limit ends a follow with an event whose id ends reconnects`(target: String) async throws {
            let request = HTTPRequest(target, accept: "text/event-stream")
            let (events, isComplete) = try await Golden.server.open(request) { _, connection in
                (try connection.readAllEvents(), connection.isComplete)
            }
            #expect(isComplete)
            #expect(events.filter(\.isEntry).count == (target.hasSuffix("2") ? 2 : 3))
            let end = try #require(events.last)
            #expect(end.name == "end")
            #expect(end.json?.keys != nil, "the data is a JSON object")
            let id = try #require(end.id)
            let again = try await Golden.server.get(target, accept: "text/event-stream", headers: ["Last-Event-ID": id])
            #expect(again.status == 204)
            #expect(again.body.isEmpty)
            #expect(again.head["Cache-Control"] == "no-cache")
        }

        @Test func `a range that is followed goes on behind the id of an event`() async throws {
            let target = "/v1/range/?follow=true&skip_next=2"
            func ids(after id: String?) async throws -> [String?] {
                let headers = id.map { ["Last-Event-ID": $0] } ?? [:]
                return try await Golden.server.open(HTTPRequest(target, accept: "text/event-stream", headers: headers)) {
                    try $1.readEvents(entries: 3).map(\.id)
                }
            }
            let first = try await ids(after: nil)
            let second = try await ids(after: first[1])
            #expect(second.first == first[2])
        }

        @Test(arguments: ["/v1/stream/", "/v2/component"])
        func `an expired Last-Event-ID is a gap and goes on from the oldest entry`(target: String) async throws {
            let request = HTTPRequest(target, accept: "text/event-stream", headers: ["Last-Event-ID": Golden.gone])
            let (head, events) = try await Golden.server.open(request) { head, connection in
                (head, try connection.readEvents(entries: 2))
            }
            #expect(head.status == 200)
            #expect(events.map(\.name) == ["gap", nil, nil])
            #expect(events.first?.json?.keys.isEmpty == false, "a gap carries a JSON object")
            #expect(events.dropFirst().first?.id == Golden.oldest)
        }

        @Test func `an expired Last-Event-ID goes on from the oldest entry that passes the filter`() async throws {
            let request = HTTPRequest(
                "/v2/component/beta.service", accept: "text/event-stream", headers: ["Last-Event-ID": Golden.gone])
            let events = try await Golden.server.open(request) { _, connection in try connection.readEvents(entries: 1) }
            #expect(events.first?.name == "gap")
            #expect(try entryNumber(events.last?.cursor) == 2)
        }

        @Test(arguments: ["/v1/stream/", "/v2/component"], ["garbage", "s=1;i=2", "BEG", "END", "s=;i=;b=;m=;t=;x="])
        func `a malformed Last-Event-ID is 400`(target: String, id: String) async throws {
            let request = HTTPRequest(target, accept: "text/event-stream", headers: ["Last-Event-ID": id])
            #expect(try await Golden.server.open(request) { head, _ in head.status } == 400)
        }

        @Test(arguments: ["/v1/stream/?skip_prev=3&cursor=END", "/v2/component?skip=-3", "/v2/component?cursor=END&skip=7"])
        func `Last-Event-ID takes the place of cursor and skip`(target: String) async throws {
            let first = try await Golden.server.get("/v2/component?skip=50&limit=2", accept: "application/json").jsonLines
            let id = try #require(first.first?["cursor"]?.string)
            let request = HTTPRequest(target, accept: "text/event-stream", headers: ["Last-Event-ID": id])
            let events = try await Golden.server.open(request) { _, connection in try connection.readEvents(entries: 1) }
            #expect(events.first?.json == first.last)
        }

        @Test func `every event of a stream can be resumed and no event of a v1 range`() async throws {
            let stream = HTTPRequest("/v1/stream/", accept: "text/event-stream")
            let events = try await Golden.server.open(stream) { _, connection in try connection.readEvents(entries: 300) }
            #expect(events.count == 300)
            #expect(events.allSatisfy { $0.id != nil && $0.id == $0.json?["cursor"]?.string })
            let range = HTTPRequest("/v1/range/", accept: "text/event-stream")
            let others = try await Golden.server.open(range) { _, connection in try connection.readAllEvents() }
            #expect(others.map(\.json) == events.map(\.json))
            #expect(others.allSatisfy { $0.id == nil })
        }

        @Test func `a silent follow gives a sign of life`() async throws {
            let sse = HTTPRequest("/v2/component?cursor=END&filter=NOPE:x", accept: "text/event-stream")
            let events = try await Golden.server.open(sse) { _, connection in
                try [connection.readEvent(), connection.readEvent()]
            }
            #expect(events.map { $0?.comment } == ["ping", "ping"])
            let json = HTTPRequest("/v1/stream/?filter=NOPE:x", accept: "application/json")
            let lines = try await Golden.server.open(json) { _, connection in try [connection.readLine(), connection.readLine()] }
            #expect(lines == [[], []], "an empty line")
            let text = HTTPRequest("/v1/stream/?filter=NOPE:x", accept: "text/plain")
            let bytes = try await Golden.server.open(text, within: .seconds(1)) { _, connection in try? connection.readPiece() }
            #expect(bytes == nil, "text has no sign of life")
        }
    }
}
