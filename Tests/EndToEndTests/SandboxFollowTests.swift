import Testing

/// Follows of a sandbox's file: news, rotations, ends.
@Suite struct SandboxFollowTests {
    private static let stream = HTTPRequest("\(Sandboxes.base)/stdout?cursor=END", accept: "text/event-stream")

    @Test(arguments: SandboxReading.allCases)
    func `news come through a rotation, a line that was never ended among them`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let messages = try await server.open(Self.stream) { _, connection in
                try sandboxes.append("one\n", to: "stdout")
                var events = try connection.readEvents(entries: 1)
                // Written behind what the follow has seen, and renamed at once.
                try sandboxes.append("two\nhalf", to: "stdout")
                try sandboxes.rename("stdout", to: "stdout.1")
                try sandboxes.write("three\n", to: "stdout")
                events += try connection.readEvents(entries: 3)
                // Renamed while nothing is written.
                try sandboxes.rename("stdout.1", to: "stdout.2")
                try sandboxes.rename("stdout", to: "stdout.1")
                try sandboxes.write("four\n", to: "stdout")
                events += try connection.readEvents(entries: 1)
                return events.map(\.said)
            }
            #expect(messages == ["one", "two", "half", "three", "four"])
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `what is really gone is told in its place`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("first line of the old file\n", to: "stdout")
            let messages = try await server.open(Self.stream) { _, connection in
                try sandboxes.append("one\n", to: "stdout")
                var events = try connection.readEvents(entries: 1)
                try sandboxes.write("two\n", to: "stdout")
                events += try connection.readEvents(entries: 1)
                return events.map(\.said)
            }
            #expect(messages == ["one", "event gap", "two"])
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a reconnect goes on in the file that was renamed meanwhile`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("one\ntwo\n", to: "stdout")
            let first = try await server.open(
                HTTPRequest("\(Sandboxes.base)/stdout?limit=1&skip=0", accept: "text/event-stream")
            ) { _, connection in try connection.readEvents(entries: 1) }
            let id = try #require(first.first?.id)
            try sandboxes.append("three\n", to: "stdout")
            try sandboxes.rename("stdout", to: "stdout.1")
            try sandboxes.write("four\n", to: "stdout")
            let again = HTTPRequest(
                "\(Sandboxes.base)/stdout", accept: "text/event-stream", headers: ["Last-Event-ID": id])
            let messages = try await server.open(again) { _, connection in (try connection.readEvents(entries: 3)).map(\.said) }
            #expect(messages == ["two", "three", "four"])
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a line without an end is given after a while, its newline belongs to it`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let text = try await server.open(HTTPRequest("\(Sandboxes.base)/stdout?cursor=END&follow=true")) { _, connection in
                try sandboxes.append("half", to: "stdout")
                var bytes: [UInt8] = []
                while bytes.count < 4, let piece = try connection.readPiece() { bytes += piece }
                try sandboxes.append("\nnext\n", to: "stdout")
                while bytes.count < 10, let piece = try connection.readPiece() { bytes += piece }
                return String(decoding: bytes, as: UTF8.self)
            }
            #expect(text == "half\nnext\n")
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a newline that comes late is no line of those that a limit counts`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let text = try await server.open(HTTPRequest("\(Sandboxes.base)/stdout?cursor=END&follow=true&limit=3")) {
                _, connection in
                try sandboxes.append("one\nhalf", to: "stdout")
                var bytes: [UInt8] = []
                while bytes.count < 8, let piece = try connection.readPiece() { bytes += piece }
                try sandboxes.append("\nlast\nmore\n", to: "stdout")
                while let piece = try connection.readPiece() { bytes += piece }
                return String(decoding: bytes, as: UTF8.self)
            }
            #expect(text == "one\nhalf\nlast\n")
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `the end of its task ends a follow, and a reconnect with that id is told so`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try await sandboxes.set(
                #"{"completed":[{"id":"E1","framework_id":"F1","container":"C1","state":"TASK_FINISHED","timestamp":5.0}]}"#)
            try sandboxes.write("one\nlast", to: "stdout")
            let events = try await server.open(HTTPRequest("\(Sandboxes.base)/stdout", accept: "text/event-stream")) {
                _, connection in
                try connection.readAllEvents().filter { $0.data != nil }
            }
            #expect(events.map(\.said) == ["one", "last", "event end"])
            let id = try #require(events.last?.id)
            let again = HTTPRequest("\(Sandboxes.base)/stdout", accept: "text/event-stream", headers: ["Last-Event-ID": id])
            #expect(try await server.send(again).status == 204)
        }
    }

    @Test func `all who follow a file share one look at it`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let count = 30
            try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 0..<count {
                    group.addTask {
                        try await server.open(Self.stream, within: .seconds(30)) { _, connection in
                            (try connection.readEvents(entries: 2)).map(\.said)
                        }
                    }
                }
                try await Task.sleep(for: .seconds(2))
                let before = try await Self.reads(sandboxes)
                try await Task.sleep(for: .seconds(2))
                // One look in a second by then, not one for each follower.
                let looks = try await Self.reads(sandboxes) - before
                #expect((1...12).contains(looks), "\(looks)")
                try sandboxes.append("one\ntwo\n", to: "stdout")
                for try await messages in group { #expect(messages == ["one", "two"]) }
            }
        }
    }

    private static func reads(_ sandboxes: Sandboxes) async throws -> Int {
        let stats = try await sandboxes.stats()
        return Int(stats["endpoints"]?["agent /files/read"]?["requests"]?.unsigned ?? 0)
    }
}
