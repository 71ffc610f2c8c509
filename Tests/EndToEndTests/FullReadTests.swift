internal import TestSupport
import Testing

/// A whole journal, in many batches and from several files, beside what journalctl and a plain, slow encoder make of it.
@Suite struct FullReadTests {
    private struct Entry {
        var cursor: [UInt8] = []
        var realtime: UInt64 = 0
        var monotonic: UInt64 = 0
        var fields: [(name: [UInt8], value: [UInt8])] = []

        func json(exact: Bool) -> [UInt8] {
            ReferenceJSON.object(
                self.fields, cursor: self.cursor, realtime: self.realtime, monotonic: self.monotonic, exact: exact)
        }
    }

    private static func encoded(
        _ entries: ArraySlice<Entry>, before: String = "", behind: String = "\n", exact: Bool = false
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            bytes += before.utf8
            bytes += entry.json(exact: exact)
            bytes += behind.utf8
        }
        return bytes
    }

    /// Values that repeat, others that do not, several of one name, and bytes that need an escape or are no text.
    private static func entries(_ numbers: Range<Int>, _ random: inout SeededGenerator) -> [JournalEntry] {
        numbers.map { number in
            var more: [(String, [UInt8])] = [("PRIORITY", [UInt8.random(in: 0x30...0x37, using: &random)])]
            for name in ["UNIT", "_SYSTEMD_UNIT", "_HOSTNAME", "_COMM"] {
                more.append((name, Array("\(name.lowercased())-\(Int.random(in: 0..<5, using: &random))".utf8)))
            }
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                let length = Int.random(in: 0..<400, using: &random)
                let isText = Bool.random(using: &random)
                more.append(("EXTRA", (0..<length).map { _ in UInt8.random(in: isText ? 0x20...0x7E : 0...255, using: &random) }))
            }
            return JournalEntry(number, message: "entry \(number) \"quoted\" \\ and\ttabs", more)
        }
    }

    /// What journalctl exports: entries with a blank line behind each, values with bytes that are no text after their length.
    private static func parse(_ export: [UInt8]) throws -> [Entry] {
        var (entries, entry, index) = ([Entry](), Entry(), 0)
        while index < export.count {
            guard let end = export[index...].firstIndex(of: 0x0A) else { throw HarnessError("a line without an end") }
            let line = export[index..<end]
            index = end + 1
            if line.isEmpty {
                entries.append(entry)
                entry = Entry()
                continue
            }
            var name = line
            var value: [UInt8]
            if let separator = line.firstIndex(of: UInt8(ascii: "=")) {
                name = line[..<separator]
                value = Array(line[(separator + 1)...])
            } else {
                let length = (0..<8).reduce(0) { $0 | Int(export[index + $1]) << ($1 * 8) }
                value = Array(export[(index + 8)..<(index + 8 + length)])
                index += 8 + length + 1
            }
            switch String(decoding: name, as: UTF8.self) {
            case "__CURSOR": entry.cursor = value
            case "__REALTIME_TIMESTAMP": entry.realtime = UInt64(String(decoding: value, as: UTF8.self)) ?? 0
            case "__MONOTONIC_TIMESTAMP": entry.monotonic = UInt64(String(decoding: value, as: UTF8.self)) ?? 0
            case let name where name.hasPrefix("__"): break
            default: entry.fields.append((Array(name), value))
            }
        }
        return entries
    }

    @Test func `every format gives every entry of a long journal, byte for byte`() async throws {
        var random = SeededGenerator("full read")
        let (first, second) = (Self.entries(0..<6_000, &random), Self.entries(6_000..<12_000, &random))
        try await withJournal { journal in
            try await journal.write(first, to: "a")
            try await journal.write(second, to: "b")
            let file = "\(journal.directory)/export"
            let (exit, output) = try await run([
                "sh", "-c", #"exec journalctl --directory "$0" -o export --all > "$1""#, journal.directory, file,
            ])
            try #require(exit == .status(0), "\(output)")
            let entries = try Self.parse(try readFile(file))
            try #require(entries.count == 12_000)
            try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                let json = try await server.get("/v1/range/", accept: "application/json")
                expectSame(json.body, Self.encoded(entries[...]), "JSON")
                let events = try await server.get("/v1/range/", accept: "text/event-stream")
                expectSame(events.body, Self.encoded(entries[...], before: "data: ", behind: "\n\n"), "server-sent events")
                let exact = try await server.get("/v1/range/?values=exact", accept: "application/json")
                expectSame(exact.body, Self.encoded(entries[...], exact: true), "exact values")
                // In part, as far as a limit in the middle of a batch.
                let part = try await server.get("/v2/component?cursor=END&skip=-7001&limit=6998", accept: "application/json")
                expectSame(part.body, Self.encoded(entries[4_999..<11_997]), "a part")
            }
        }
    }
}

/// As `#expect` of equality, which would look for the differences of megabytes for hours.
private func expectSame(_ bytes: [UInt8], _ expected: [UInt8], _ what: String, _ location: SourceLocation = #_sourceLocation) {
    let isSame = bytes == expected
    #expect(isSame, "\(what): \(bytes.count) bytes, expected \(expected.count)", sourceLocation: location)
}
