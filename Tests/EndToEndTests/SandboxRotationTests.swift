import Glibc
import Testing

/// Rotations and truncations under a follow: each line once and in order, or a gap in its place.
@Suite struct SandboxRotationTests {
    private static let stream = HTTPRequest("\(Sandboxes.base)/stdout?cursor=END", accept: "text/event-stream")

    /// Follows while something happens to the file after its first line; returns what the follow has said.
    private static func follow(
        _ reading: SandboxReading, entries: Int, _ change: @escaping @Sendable (Sandboxes) throws -> Void
    ) async throws -> [String] {
        let (first, second) = ("first line, by which the file is known\n", "one\n")
        var messages: [String] = []
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write(first, to: "stdout")
            messages = try await server.open(Self.stream) { _, connection in
                try sandboxes.append(second, to: "stdout")
                var events = try connection.readEvents(entries: 1)
                try change(sandboxes)
                events += try connection.readEvents(entries: entries)
                return events.map(\.said)
            }
            #expect(try await sandboxes.stats()["errors"] == .unsigned(0))
        }
        return messages
    }

    @Test func `where the old file cannot be read any more there is a gap`() async throws {
        let compressed = try await Self.follow(.remote, entries: 1) { sandboxes in
            try sandboxes.rename("stdout", to: "stdout.1.gz")
            try sandboxes.write("new\n", to: "stdout")
        }
        #expect(compressed == ["one", "event gap", "new"])
        let deleted = try await Self.follow(.remote, entries: 1) { sandboxes in
            unsafe unlink(sandboxes.path("stdout"))
            try sandboxes.write("new\n", to: "stdout")
        }
        #expect(deleted == ["one", "event gap", "new"])
    }

    @Test func `a pipe in the place of a rotated file is not read`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("one\n", to: "stdout")
            let isTold = try await server.open(HTTPRequest("\(Sandboxes.base)/stdout", accept: "text/event-stream")) {
                _, connection in
                _ = try connection.readEvents(entries: 1)
                try sandboxes.rename("stdout", to: "stdout.1")
                // Until it is known that there is nothing in its place.
                usleep(4_000_000)
                guard unsafe mkfifo(sandboxes.path("stdout"), 0o644) == 0 else { return false }
                while let event = try connection.readEvent() { if event.name == "fault" { return true } }
                return false
            }
            #expect(isTold)
            #expect(try await sandboxes.stats()["hazards"]?["fifo"] == .unsigned(0))
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a file that was cut begins anew, also when it is longer at once`(reading: SandboxReading) async throws {
        let shorter = try await Self.follow(reading, entries: 2) { try $0.write("a\nb\n", to: "stdout") }
        #expect(shorter == ["one", "event gap", "a", "b"])
        let longer = try await Self.follow(reading, entries: 3) { sandboxes in
            try sandboxes.write("another beginning\n\(String(repeating: "x", count: 500))\nend\n", to: "stdout")
        }
        #expect(longer.prefix(3) == ["one", "event gap", "another beginning"])
        #expect(longer.last == "end")
    }

    @Test(arguments: SandboxReading.allCases)
    func `two rotations at once are read through`(reading: SandboxReading) async throws {
        let messages = try await Self.follow(reading, entries: 4) { sandboxes in
            try sandboxes.append("two\n", to: "stdout")
            try sandboxes.rename("stdout", to: "stdout.1")
            try sandboxes.write("three\nfour\n", to: "stdout")
            try sandboxes.rename("stdout.1", to: "stdout.2")
            try sandboxes.rename("stdout", to: "stdout.1")
            try sandboxes.write("five\n", to: "stdout")
        }
        #expect(messages == ["one", "two", "three", "four", "five"])
    }

    @Test(arguments: SandboxReading.allCases)
    func `a file that was rotated before anything of it was read is read first`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("", to: "stdout")
            let messages = try await server.open(Self.stream) { _, connection in
                // The look that finds nothing.
                usleep(1_500_000)
                try sandboxes.write("one\ntwo\n", to: "full")
                try sandboxes.rename("full", to: "stdout.1")
                try sandboxes.write("three\n", to: "stdout.new")
                try sandboxes.rename("stdout.new", to: "stdout")
                return try connection.readEvents(entries: 3).map(\.said)
            }
            #expect(messages == ["one", "two", "three"])
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a file that was rotated before anything of it was read is read also while there is no next one`(
        reading: SandboxReading
    ) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("", to: "stdout")
            let messages = try await server.open(Self.stream) { _, connection in
                // The look that finds nothing.
                usleep(1_500_000)
                try sandboxes.append("one\ntwo\n", to: "stdout")
                try sandboxes.rename("stdout", to: "stdout.1")
                return try connection.readEvents(entries: 2).map(\.said)
            }
            #expect(messages == ["one", "two"])
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a file that comes only later is waited for`(reading: SandboxReading) async throws {
        let messages = try await Self.follow(reading, entries: 2) { sandboxes in
            try sandboxes.append("two\n", to: "stdout")
            try sandboxes.rename("stdout", to: "stdout.1")
            // No file at all for longer than a look takes.
            usleep(1_500_000)
            try sandboxes.write("three\n", to: "stdout")
        }
        #expect(messages == ["one", "two", "three"])
    }

    // From the disk only: an agent does not tell files of one size and second apart, and these are.
    @Test func `rotations again and again lose no line`() async throws {
        let count = 400
        let messages = try await Self.follow(.local, entries: count) { sandboxes in
            for number in 1...count {
                try sandboxes.append("line \(number)\n", to: "stdout")
                if number % 40 == 0, number < count {
                    for old in stride(from: 9, to: 0, by: -1) where fileExists(sandboxes.path("stdout.\(old)")) {
                        try sandboxes.rename("stdout.\(old)", to: "stdout.\(old + 1)")
                    }
                    try sandboxes.rename("stdout", to: "stdout.1")
                    usleep(useconds_t(number % 3) * 30_000)
                    try sandboxes.write("", to: "stdout")
                }
                if number % 10 == 0 { usleep(5_000) }
            }
        }
        #expect(messages == ["one"] + (1...count).map { "line \($0)" })
    }
}
