internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Principals who may see some entries only.
    @Suite struct RestrictedReaderTests {
        /// Odd entries are a.service's, even ones b.service's.
        static func entry(_ number: Int) -> JournalEntry {
            JournalEntry(number, [("_SYSTEMD_UNIT", Array((number % 2 == 1 ? "a.service" : "b.service").utf8))])
        }

        private static let alice = "allow principal=alice filter=_SYSTEMD_UNIT:a.service"
        private static let bob = "allow principal=bob filter=_SYSTEMD_UNIT:b.service"

        private static func numbers(_ answer: HTTPAnswer) -> [Int] {
            answer.lines.compactMap { line in
                line.firstRange(of: "line ").flatMap { Int(line[$0.upperBound...].prefix { $0.isNumber }) }
            }
        }

        @Test(arguments: [
            ("/v2/component", [1, 3, 5, 7, 9]), ("/v1/range/", [1, 3, 5, 7, 9]), ("/v2/component?skip=-2", [7, 9]),
            ("/v2/component?skip=2&limit=2", [3, 5]), ("/v1/range/?skip_prev=1", [9]),
            ("/v1/range/?read_reverse=true&limit=2", [9, 7]),
            ("/v2/component/a.service", [1, 3, 5, 7, 9]), ("/v2/component/b.service", []), ("/v2/component?cursor=END", [9]),
            ("/v2/component?filter=_SYSTEMD_UNIT:b.service", []),
            ("/v2/component?filter=_SYSTEMD_UNIT:b.service&filter=_SYSTEMD_UNIT:a.service", [1, 3, 5, 7, 9]),
            ("/v2/component?filter=N:3&filter=N:4", [3]),
        ])
        func `a range has the principal's entries, whatever is asked for`(target: String, expected: [Int]) async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...10).map(Self.entry))
                try authorizer.say(Self.alice)
                for type in ["text/plain", "application/json"] {
                    let answer = try await server.get(target, accept: type)
                    #expect(Self.numbers(answer) == expected, "\(type)")
                    #expect(answer.status == (expected.isEmpty ? 204 : 200))
                }
            }
        }

        @Test func `skip counts are counted after the filter`() async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...10).map(Self.entry))
                try authorizer.say(Self.alice)
                let answer = try await server.get("/v1/range/?skip_prev=100")
                #expect(answer.head["X-Journal-Skip-Prev"] == "5")
            }
        }

        @Test func `the oldest cursor of a 410 is one the principal may see`() async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...10).map(Self.entry))
                let gone = "s=00000000000000000000000000000001;i=1;b=11111111111111111111111111111111;m=1;t=1;x=1"
                let target = "/v2/component?cursor=\(gone.replacing("=", with: "%3D").replacing(";", with: "%3B"))"
                for (says, oldest) in [(Self.bob, 2), (Self.alice, 1), ("allow filter=_SYSTEMD_UNIT:none", nil)] {
                    try authorizer.say(says)
                    let answer = try await server.get(target, accept: "application/json")
                    #expect(answer.status == 410)
                    let cursor = try JSONValue(answer.text)["oldest_cursor"]?.string
                    guard let oldest else {
                        #expect(cursor == nil)
                        continue
                    }
                    let first = try await server.get("/v2/component?limit=1", accept: "application/json")
                    #expect(Self.numbers(first) == [oldest])
                    #expect(try JSONValue(first.text)["cursor"]?.string == cursor)
                    // An event stream goes on behind what is lost, from what the principal may see.
                    let request = HTTPRequest("/v2/component", accept: "text/event-stream", headers: ["Last-Event-ID": gone])
                    let event = try await server.open(request) { _, connection in try connection.readEvent() }
                    #expect(event?.name == "gap")
                    #expect(event?.json?["to"]?.string == cursor)
                }
            }
        }

        @Test func `the end of a follow names no entry of others`() async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...10).map(Self.entry))
                for (says, isRestricted) in [(Self.alice, true), ("allow principal=root", false)] {
                    try authorizer.say(says)
                    let events = try await server.open(HTTPRequest("/v2/component?limit=2", accept: "text/event-stream")) {
                        _, connection in try connection.readAllEvents()
                    }
                    let end = try #require(events.last)
                    #expect(end.name == "end")
                    #expect((end.json?["cursor"] == .null) == isRestricted)
                }
            }
        }

        @Test func `what is made of more than entries is refused`() async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...10).map(Self.entry))
                try authorizer.say(Self.alice)
                #expect(try await server.get("/v1/fields/STREAM").status == 403)
                try authorizer.say("allow principal=alice")
                #expect(try await server.get("/v1/fields/STREAM").status == 204)
            }
        }

        @Test(arguments: FollowFormat.allCases)
        func `followers of one log see their own entries each`(format: FollowFormat) async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...10).map(Self.entry))
                let live = [Highest(), Highest(), Highest()]
                let end = 60
                try await withThrowingTaskGroup(of: (Int, Followed).self) { group in
                    for (index, says) in [Self.alice, Self.bob, "allow principal=root"].enumerated() {
                        try authorizer.say(says)
                        let progress = live[index]
                        group.addTask {
                            // Its own last entry, then a wait for what is not its own.
                            try await server.follow("/v2/component", as: format) { reader in
                                let last = index == 0 ? end - 1 : end
                                while reader.numbers.last ?? 0 < last, try reader.read() {
                                    progress.advance(to: reader.numbers.last ?? 0)
                                }
                                return (index, Followed(reader))
                            }
                        }
                        try await progress.wait(for: 9)
                    }
                    try await journal.withWriter(to: "b") { writer in
                        for number in 11...end {
                            try await writer.write([Self.entry(number)])
                            try await Task.sleep(for: .milliseconds(5))
                        }
                    }
                    for try await (index, followed) in group {
                        let own = (1...end).filter { index == 2 || $0 % 2 == 1 - index }
                        #expect(followed.difference(to: own) == nil, "\(index)")
                    }
                }
            }
        }
    }
}
