import Testing

/// Files of sandboxes as lines: positions, ids and bytes.
@Suite struct SandboxLinesTests {
    private static let numbers = "one\ntwo\nthree\nfour\nfive\n"

    @Test(arguments: SandboxReading.allCases)
    func `positions, skips and limits are those of lines`(reading: SandboxReading) async throws {
        let cases: [(query: String, lines: String)] = [
            ("skip=2", "three four five"), ("cursor=END&skip=-2", "four five"), ("skip=3&limit=1", "four"),
            ("cursor=7&skip=1", "four five"), ("cursor=7&skip=-1&limit=1", "two"),
            ("cursor=END&skip=-5", "one two three four five"),
            ("cursor=5", "wo three four five"), ("cursor=0&limit=1", "one"), ("cursor=BEG&skip=-2&limit=1", "one"),
            ("cursor=99&skip=-1", "five"), ("cursor=END", ""), ("skip=-1", "five"), ("cursor=END&skip=-99&limit=1", "one"),
            ("cursor=3", "two three four five"),
        ]
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write(Self.numbers, to: "stdout")
            for (query, lines) in cases {
                let answer = try await server.get("\(Sandboxes.base)/stdout?\(query)")
                #expect(answer.status == 200, "\(query)")
                #expect(answer.lines.joined(separator: " ") == lines, "\(query)")
            }
            let resumed = try await server.get(
                "\(Sandboxes.base)/stdout?cursor=END&skip=-1", headers: ["Last-Event-ID": "7"])
            #expect(resumed.lines == ["three", "four", "five"])
        }
    }

    @Test(arguments: [
        (SandboxReading.remote, "{}"), (.remote, #"{"cap": 7}"#), (.remote, #"{"cap": 64}"#),
        (.remote, #"{"cap": 1000, "cap_random": true, "seed": 3}"#), (.remote, #"{"escape": "1.6"}"#), (.local, "{}"),
    ])
    func `text is what is on disk, byte for byte`(reading: SandboxReading, settings: String) async throws {
        var bytes: [UInt8] = Array("a\n\n\nb\r\n\u{e9}\u{20ac}".utf8) + [0xFF, 0x00, 0xC3, 0x0A, 0x22, 0x5C, 0x2F, 0x7F, 0x0A]
        var random = SeededGenerator("sandbox")
        for _ in 0..<3_000 { bytes.append(UInt8.random(in: 0...255, using: &random)) }
        bytes += Array("no end".utf8)
        let file = bytes
        try await withSandboxServer("", reading) { server, sandboxes in
            try await sandboxes.set(settings)
            try sandboxes.write(file, to: "stdout")
            #expect(try await server.get("\(Sandboxes.base)/stdout").body == file)
            let download = try await server.get("\(Sandboxes.base)/stdout/download")
            #expect(download.body == file)
            #expect(download.head["Content-Disposition"] == "attachment; filename=stdout")
            #expect(download.head["Content-Type"] == "application/octet-stream")
            for offset in [0, 1, 2, 5, 700, 2_000] {
                // The newline at an id is stepped over.
                let start = offset > 0 && file[offset] == 0x0A ? offset + 1 : offset
                let rest = try await server.get("\(Sandboxes.base)/stdout?cursor=\(offset)")
                #expect(rest.body == Array(file[start...]), "\(offset)")
            }
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a long line is complete, and blank lines are lines unless they are dropped`(reading: SandboxReading) async throws {
        let long = String(repeating: "x", count: 200_000)
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("\n\(long)\n\nlast\n\n", to: "stdout")
            #expect(try await server.get("\(Sandboxes.base)/stdout").text == "\n\(long)\n\nlast\n\n")
            let json = try await server.get("\(Sandboxes.base)/stdout?format=json")
            #expect(try json.field("MESSAGE") == ["", long, "", "last", ""])
            #expect(try await server.get("\(Sandboxes.base)/stdout?cursor=END&skip=-2").text == "last\n\n")
        }
        try await withSandboxServer(", blank_lines: drop", reading) { server, sandboxes in
            try sandboxes.write("\n\(long)\n\nlast\n\n", to: "stdout")
            #expect(try await server.get("\(Sandboxes.base)/stdout").text == "\(long)\nlast\n")
            #expect(try await server.get("\(Sandboxes.base)/stdout?cursor=END&skip=-1").text == "last\n\n".dropLast())
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `every entry says where it comes from, and every id leads behind its line`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write(Self.numbers, to: "stdout")
            let entries = try await server.get("\(Sandboxes.base)/stdout?format=json").jsonLines
            #expect(
                entries.first?["fields"]
                    == .object([
                        "MESSAGE": .string("one"), "AGENT_ID": .string("S1"), "FRAMEWORK_ID": .string("F1"),
                        "EXECUTOR_ID": .string("E1"), "CONTAINER_ID": .string("C1"), "FILE": .string("stdout"),
                    ]))
            #expect(entries.count == 5)
            for (index, entry) in entries.enumerated() {
                let cursor = try #require(entry["cursor"]?.string)
                let rest = try await server.get("\(Sandboxes.base)/stdout?cursor=\(cursor)")
                #expect(rest.lines.map(String.init) == ["one", "two", "three", "four", "five"].suffix(4 - index))
            }
            let other = try await server.get("\(Sandboxes.base)/stdout?cursor=7~00000000", accept: "application/json")
            #expect(other.status == 410)
            // The head, from which everything there is can be read.
            #expect(try JSONValue(other.text)["oldest_cursor"] == .string("0"))
            #expect(try await server.get("\(Sandboxes.base)/stdout?cursor=x").status == 400)
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `only regular files of the sandbox are read`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("inner\n", to: "a b\"c")
            let (exit, _) = try await run(["mkfifo", sandboxes.path("fifo")])
            try #require(exit == .status(0))
            #expect(try await server.get("\(Sandboxes.base)/fifo").status == 404)
            #expect(try await server.get("\(Sandboxes.base)/fifo/download").status == 404)
            #expect(try await server.get("\(Sandboxes.base)/missing").status == 404)
            #expect(try await server.get("\(Sandboxes.base)/a//b").status == 400)
            #expect(try await server.get("\(Sandboxes.base)/%2e%2e").status == 400)
            #expect(try await server.get("\(Sandboxes.base)/x%2F..%2Fy").status == 400)
            #expect(try await server.get("\(Sandboxes.base)/a%20b%22c").text == "inner\n")
            let download = try await server.get("\(Sandboxes.base)/a%20b%22c/download")
            #expect(download.head["Content-Disposition"] == "attachment; filename=\"a b_c\"; filename*=UTF-8''a%20b%22c")
            let list = try JSONValue(await server.get("\(Sandboxes.base)/files/browse").text)
            guard case .array(let files) = list else { throw HarnessError("no list") }
            #expect(files.count == 2)
            #expect(files.first?["mtime"]?.unsigned != nil, "a whole number")
            let stats = try await sandboxes.stats()
            #expect(stats["hazard"] == .unsigned(0))
            #expect(stats["errors"] == .unsigned(0))
        }
    }
}
