import Testing

/// Many followers of sandboxes.
@Suite struct SandboxLoadTests {
    @Test func `each of two hundred files has its follower`() async throws {
        let count = 200
        try await withSandboxServer { server, sandboxes in
            for number in 0..<count { try sandboxes.write("old\n", to: "f\(number)") }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<count {
                    group.addTask {
                        let path = "\(Sandboxes.base)/f\(number)?cursor=END"
                        let stream = HTTPRequest(path, accept: "text/event-stream")
                        return try await server.open(stream, within: .seconds(60)) { _, connection in
                            try sandboxes.append("line \(number)\n", to: "f\(number)")
                            let events = try connection.readEvents(entries: 1)
                            return events.compactMap { $0.json?["fields"]?["MESSAGE"]?.string } == ["line \(number)"]
                        }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func `a thousand followers of one file cost the agent what one costs`() async throws {
        let count = 1_000
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let stream = HTTPRequest("\(Sandboxes.base)/stdout?cursor=END", accept: "text/event-stream")
            // One thread holds them all.
            async let heard = server.connect(within: .seconds(60)) { first in
                var connections = [first]
                while connections.count < count {
                    connections.append(try HTTPConnection(server.address(.unix), within: .seconds(60)))
                }
                for connection in connections { try connection.send(stream) }
                for connection in connections { _ = try connection.readHead() }
                return try connections.map { try $0.readEvents(entries: 1).compactMap { $0.json?["fields"]?["MESSAGE"]?.string } }
            }
            func reads() async throws -> Int {
                Int(try await sandboxes.stats()["endpoints"]?["agent /files/read"]?["requests"]?.unsigned ?? 0)
            }
            // Each looks for its start once.
            let deadline = ContinuousClock.now + .seconds(40)
            while try await reads() < count, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(100)) }
            try await Task.sleep(for: .seconds(2))
            let before = try await reads()
            try await Task.sleep(for: .seconds(2))
            let looks = try await reads() - before
            #expect((1...12).contains(looks), "\(looks)")
            try sandboxes.append("one\n", to: "stdout")
            let messages = try await heard
            #expect(messages.count == count)
            #expect(messages.allSatisfy { $0 == ["one"] })
        }
    }
}
