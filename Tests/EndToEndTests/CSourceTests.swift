internal import Testing

extension EndToEndTests {
    /// The example source in C, built with one line and loaded by the unchanged host.
    @Suite struct CSourceTests {
        /// Lends a server that gives out a file of five lines.
        private static func withFiles(_ body: (LogHostProcess, FileSource) async throws -> Void) async throws {
            try await withFileSource { server, files in
                try writeFile(files.path("five"), Array("one\ntwo\nthree\nfour\nfive\n".utf8))
                try await body(server, files)
            }
        }

        @Test(
            arguments: [
                ("", "one two three four five"), ("limit=2", "one two"), ("skip=2", "three four five"),
                ("skip=2&limit=1", "three"), ("skip=-2", "four five"), ("skip=-9", "one two three four five"),
                ("cursor=END&skip=-1", "five"), ("cursor=8", "three four five"), ("cursor=8&skip=-1", "two three four five"),
                ("cursor=8&skip=1", "four five"), ("cursor=BEG&limit=1", "one"), ("cursor=END", ""), ("skip=9", ""),
            ])
        func `the host does what the source does not`(query: String, lines: String) async throws {
            try await Self.withFiles { server, _ in
                let answer = try await server.get("/v2/files/five?\(query)", accept: "text/plain")
                #expect(answer.status == 200)
                #expect(answer.lines.joined(separator: " ") == lines)
            }
        }

        @Test func `lines have their own JSON and errors their statuses`() async throws {
            try await Self.withFiles { server, _ in
                let json = try await server.get("/v2/files/five?limit=1", accept: "application/json")
                #expect(json.text == #"{"fields":{"FILE":"five","MESSAGE":"one"},"cursor":"4"}"# + "\n")
                #expect(try await server.get("/v2/files").text.trimmed == "[\"five\"]")
                for (target, status) in [("none", 404), ("five?cursor=x", 400), ("five?cursor=99", 410)] {
                    #expect(try await server.get("/v2/files/\(target)").status == status, "\(target)")
                }
            }
        }

        @Test func `a long line and any bytes come as they are`() async throws {
            try await Self.withFiles { server, files in
                let line = Array(repeating: UInt8(ascii: "x"), count: 3 << 20) + [0, 0xFF, 0xC3, 13, 10]
                let bytes = line + Array("no newline".utf8)
                try writeFile(files.path("long"), bytes)
                let answer = try await server.get("/v2/files/long", accept: "text/plain")
                #expect(answer.body == bytes)
                let json = try await server.get("/v2/files/long?limit=1", accept: "application/json")
                #expect(try json.jsonLines.count == 1)
            }
        }

        @Test(arguments: [(-1, 2), (-2, 1), (-3, 0), (-4, 0)])
        func `going back counts a line in pieces once`(skip: Int, first: Int) async throws {
            try await Self.withFiles { server, files in
                let lines = ["one", String(repeating: "x", count: 3 << 20), "three"].map { "\($0)\n" }
                try writeFile(files.path("long"), Array(lines.joined().utf8))
                let answer = try await server.get("/v2/files/long?skip=\(skip)", accept: "text/plain")
                #expect(answer.text == lines[first...].joined())
            }
        }

        @Test func `a follow gets new lines when they are complete and resumes behind them`() async throws {
            try await Self.withFiles { server, files in
                let request = HTTPRequest("/v2/files/five?skip=-1", accept: "text/event-stream")
                let ids = try await server.open(request) { _, connection in
                    var ids = [try connection.readEvents(entries: 1).first?.id]
                    try files.append("six", to: "five")
                    try files.append("!\nseven\n", to: "five")
                    ids += try connection.readEvents(entries: 2).map(\.id)
                    return ids
                }
                #expect(ids == ["24", "29", "35"])
                let again = HTTPRequest("/v2/files/five", accept: "text/event-stream", headers: ["Last-Event-ID": "29"])
                let events = try await server.open(again) { _, connection in try connection.readEvents(entries: 1) }
                #expect(events.first?.id == "35")
            }
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        String(self.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
