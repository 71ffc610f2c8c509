internal import Testing

extension EndToEndTests {
    @Suite struct ValueTests {
        private static func withServer(_ entries: [JournalEntry], _ body: (LogHostProcess) async throws -> Void) async throws {
            try await withJournal { journal in
                try await journal.write(entries)
                try await withLogHost(LogHostConfiguration(directory: journal.directory), body)
            }
        }

        @Test func `a value of ten megabytes is complete in every format`() async throws {
            let long = String(repeating: "0123456789abcdef", count: 10 << 16)
            try await Self.withServer([JournalEntry(1), JournalEntry(2, message: long), JournalEntry(3)]) { server in
                let text = try await server.get("/v1/range/", accept: "text/plain")
                #expect(text.isComplete)
                #expect(text.lines.count == 3)
                #expect(text.lines.dropFirst().first?.utf8.count == long.utf8.count + "2023-11-14 22:13:20: ".utf8.count)
                #expect(text.lines.dropFirst().first?.hasSuffix(long) == true)
                let json = try await server.get("/v1/range/", accept: "application/json")
                #expect(json.isComplete)
                let messages = try json.field("MESSAGE")
                #expect(messages.count == 3)
                #expect(messages.dropFirst().first.map { $0 == long } == true)
                let stream = HTTPRequest("/v2/component", accept: "text/event-stream")
                let events = try await server.open(stream) { _, connection in try connection.readEvents(entries: 3) }
                #expect(events.count == 3)
                #expect(events.dropFirst().first?.json?["fields"]?["MESSAGE"]?.string.map { $0 == long } == true)
                let exact = try await server.get("/v1/range/?values=exact&skip_next=2&limit=1", accept: "application/json")
                #expect(try exact.field("MESSAGE").first.map { $0 == long } == true)
            }
        }

        @Test func `exact values lose nothing`() async throws {
            let fields: [(String, [UInt8])] = [
                ("TWICE", Array("first".utf8)), ("TWICE", Array("second".utf8)), ("BYTES", [0x61, 0xff, 0x00, 0x0a]),
                ("EMPTY", []),
                ("MIXED", [0x80]), ("MIXED", Array("text".utf8)), ("CONTROL", [0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x09]),
            ]
            try await Self.withServer([JournalEntry(1, message: "two\nlines", fields)]) { server in
                for target in ["/v1/range/", "/v2/component"] {
                    let plain = try await server.get(target, accept: "application/json").jsonLines.first?["fields"]
                    #expect(plain?["TWICE"] == .string("second"), "the last of a repeated field")
                    #expect(plain?["BYTES"] == .string("a\u{fffd}\u{0}\n"))
                    #expect(plain?["MIXED"] == .string("text"))
                    #expect(plain?["MESSAGE"] == .string("two\nlines"))
                    #expect(plain?["CONTROL"] == .string("\u{1b}[31m\t"))
                    let answer = try await server.get("\(target)?values=exact", accept: "application/json")
                    #expect(answer.jsonLinesKeys == ["cursor", "fields", "monotonic_timestamp", "realtime_timestamp"])
                    let exact = try answer.jsonLines.first?["fields"]
                    #expect(exact?["TWICE"] == .array([.string("first"), .string("second")]))
                    #expect(exact?["BYTES"] == .array([0x61, 0xff, 0x00, 0x0a].map { .unsigned($0) }))
                    #expect(exact?["MIXED"] == .array([.array([.unsigned(0x80)]), .string("text")]))
                    #expect(exact?["MESSAGE"] == .string("two\nlines"))
                    #expect(exact?["N"] == .string("1"))
                }
            }
        }

        @Test func `text leaves out entries without a message and keeps its bytes`() async throws {
            var entries = (1...4).map { JournalEntry($0) }
            entries[1].fields.removeAll { $0.name == "MESSAGE" }
            entries[2].fields[0].value = [0xff, 0x1b, 0x5b, 0x6d, 0x0a, 0x42]
            entries[3].fields[0].value = []
            try await Self.withServer(entries) { server in
                let answer = try await server.get("/v1/range/")
                let expected: [UInt8] =
                    Array("2023-11-14 22:13:20: line 1\n2023-11-14 22:13:20: ".utf8) + [0xff, 0x1b, 0x5b, 0x6d, 0x0a, 0x42]
                    + Array("\n2023-11-14 22:13:20: \n".utf8)
                #expect(answer.body == expected, "\(answer.text)")
                #expect(try await server.get("/v1/range/", accept: "application/json").jsonLines.count == 4)
            }
        }

        @Test func `times are those of the entry`() async throws {
            try await Self.withServer([JournalEntry(7)]) { server in
                let object = try #require(try await server.get("/v1/range/?format=json").jsonLines.first)
                #expect(object["realtime_timestamp"] == .unsigned(1_700_000_000_007_000))
                #expect(object["monotonic_timestamp"] == .unsigned(1_007_000))
            }
        }

        @Test func `an empty journal is 204 and a follow of it waits for the first entry`() async throws {
            try await withJournal { journal in
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    for target in ["/v1/range/", "/v1/range/?skip_prev=5", "/v2/component?cursor=END", "/v1/range/download"] {
                        let answer = try await server.get(target)
                        #expect(answer.status == 204, "\(target)")
                        #expect(answer.body.isEmpty)
                    }
                    #expect(try await server.get("/v1/fields/AGENT_ID").status == 204)
                    let request = HTTPRequest("/v2/component?cursor=END", accept: "text/event-stream")
                    async let events = server.open(request, within: .seconds(6)) { _, connection in
                        try connection.readEvents(entries: 2)
                    }
                    try await Task.sleep(for: .milliseconds(500))
                    try await journal.write([JournalEntry(1), JournalEntry(2)])
                    let numbers = try await events.map { $0.json?["fields"]?["N"]?.string }
                    #expect(numbers == ["1", "2"])
                    #expect(try await server.get("/v1/range/").lines.count == 2)
                }
            }
        }
    }
}

extension HTTPAnswer {
    /// The keys of the first object, sorted.
    fileprivate var jsonLinesKeys: [String] { (try? self.jsonLines.first?.keys.sorted()) ?? [] }
}
