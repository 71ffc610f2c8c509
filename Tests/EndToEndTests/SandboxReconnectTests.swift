import Testing

/// Whatever is in a file, however the agent cuts it and wherever a client was cut off: what it got in the end is the file.
@Suite struct SandboxReconnectTests {
    /// Bytes that lines are made of: blank lines, CRLF, invalid UTF-8 and NUL among them, and what JSON escapes.
    private static func file(cap: Int, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        // An agent that gives a few bytes at once is asked often.
        for _ in 0..<Int.random(in: 1...(cap < 1_000 ? 12 : 60), using: &random) {
            let length = (cap < 1_000 ? [0, 1, 3, 20] : [0, 1, 3, 20, 300, 9_000]).randomElement(using: &random) ?? 1
            for _ in 0..<length {
                let byte = UInt8.random(in: 0...255, using: &random)
                bytes.append(byte == 0x0A ? 0x22 : byte)
            }
            if Bool.random(using: &random) { bytes.append(0x0D) }
            bytes.append(0x0A)
        }
        return bytes
    }

    @Test(arguments: SandboxReading.allCases)
    func `pieces between reconnects make up the file`(reading: SandboxReading) async throws {
        var random = SeededGenerator("reconnect")
        try await withSandboxServer("", reading) { server, sandboxes in
            for round in 0..<14 {
                let cap = [1, 2, 3, 5, 64, 1_000, 65_536][round % 7]
                let file = Self.file(cap: cap, &random)
                try sandboxes.write(file, to: "f\(round)")
                try await sandboxes.set(#"{"cap": \#(cap), "cap_random": true, "seed": \#(round)}"#)
                let expected = file.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map { Array($0) }
                var (got, id): ([[UInt8]], String?) = ([], nil)
                while got.count < expected.count {
                    let wanted = Int.random(in: 1...(expected.count - got.count), using: &random)
                    let request = HTTPRequest(
                        "\(Sandboxes.base)/f\(round)?cursor=BEG&values=exact", accept: "text/event-stream",
                        headers: id.map { ["Last-Event-ID": $0] } ?? [:])
                    let events = try await server.open(request) { _, connection in try connection.readEvents(entries: wanted) }
                    try #require(events.allSatisfy { $0.name == nil }, "round \(round)")
                    for event in events { got.append(try Self.message(event)) }
                    id = events.last?.id
                }
                #expect(got == expected, "round \(round), cap \(cap)")
                #expect(try await server.get("\(Sandboxes.base)/f\(round)").body == file, "round \(round), cap \(cap)")
            }
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `long lines are whole, however little the agent gives at once`(reading: SandboxReading) async throws {
        var random = SeededGenerator("long lines")
        try await withSandboxServer("", reading) { server, sandboxes in
            for (round, cap) in [97, 1_000, 4_095, 4_096, 4_200, 65_535].enumerated() {
                // The last line has no end, and the characters lie across the pieces.
                let lengths = [cap / 2, cap * 3 + round, 1, cap * 40].map { min($0, 300_000) }
                let lines = lengths.map { length in
                    String(
                        (0..<max(1, length / 3)).map { _ in ["é", "€", "\u{1F600}", "z"].randomElement(using: &random) ?? "z" })
                }
                let text = lines.joined(separator: "\n")
                try sandboxes.write(text, to: "f\(round)")
                try await sandboxes.set(#"{"cap": \#(cap), "cap_random": \#(round % 2 == 0), "seed": \#(round)}"#)
                let answer = try await server.get("\(Sandboxes.base)/f\(round)?format=json")
                #expect(try answer.field("MESSAGE") == lines, "cap \(cap)")
                #expect(try await server.get("\(Sandboxes.base)/f\(round)").text == text, "cap \(cap)")
                let last = try await server.get("\(Sandboxes.base)/f\(round)?cursor=END&skip=-2&limit=1")
                #expect(last.text == lines[2] + "\n", "cap \(cap)")
            }
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a line of 50 MB is whole, and is never in memory as a whole`(reading: SandboxReading) async throws {
        let size = 50 << 20
        try await withSandboxServer("", reading) { server, sandboxes in
            let file = [UInt8](repeating: UInt8(ascii: "y"), count: size) + Array("\nshort\n".utf8)
            try sandboxes.write(file, to: "stdout")
            let before = try Self.peakMemory(of: server)
            // Nobody wants to see the differences of megabytes.
            let isSame = try await server.get("\(Sandboxes.base)/stdout").body == file
            #expect(isSame)
            #expect(try await server.get("\(Sandboxes.base)/stdout?format=json").body.count > size)
            #expect(try Self.peakMemory(of: server) - before < size, "of \(before) before")
        }
    }

    /// The most memory that it had at once, in bytes.
    private static func peakMemory(of server: LogHostProcess) throws -> Int {
        let status = String(decoding: try readFile("/proc/\(server.child.pid)/status"), as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }) * 1_024
    }

    /// The bytes of a line: a string, or numbers where it is no text.
    private static func message(_ event: ServerSentEvent) throws -> [UInt8] {
        switch event.json?["fields"]?["MESSAGE"] {
        case .string(let text): return Array(text.utf8)
        case .array(let numbers): return try numbers.map { try #require($0.unsigned.flatMap { UInt8(exactly: $0) }) }
        default: throw HarnessError("an event without a message")
        }
    }
}
