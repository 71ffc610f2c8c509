import Glibc
import Testing

/// What a client is told when the agent refuses, fails or is slow: the status, and nothing of where things are.
@Suite struct SandboxFailureTests {
    @Test func `what the agent answers is what the client is told`() async throws {
        // In how Mesos fails, and the status that follows.
        let cases: [(failure: String, status: Int)] = [
            ("401", 401), ("403", 403), ("404", 404), ("400", 502), ("500", 502), ("503", 502), (#""close""#, 502),
            (#""garbage""#, 502), (#""garbage-body""#, 502), (#""cut""#, 502), (#""hang""#, 504),
        ]
        for (failure, status) in cases {
            // A server of its own: what was listed is remembered for a moment.
            try await withSandboxServer(", timeout: 500ms") { server, sandboxes in
                try sandboxes.write("one\n", to: "stdout")
                try await sandboxes.set(#"{"fail": [{"match": "/files/", "server": "agent", "status": \#(failure)}]}"#)
                for path in ["stdout", "stdout/download", "files/browse"] {
                    let answer = try await server.get("\(Sandboxes.base)/\(path)")
                    #expect(answer.status == status, "\(failure) \(path): \(answer.status)")
                    #expect(!answer.text.contains("/slaves/") && !answer.text.contains("127.0.0.1"), "\(answer.text)")
                }
                let follow = try await server.open(
                    HTTPRequest("\(Sandboxes.base)/stdout", accept: "text/event-stream")
                ) { head, _ in head.status }
                #expect(follow == status, "\(failure) follow: \(follow)")
                #expect(!server.log.contains("/slaves/"))
            }
        }
    }

    @Test func `names of files that are not UTF-8 do not make the others unreadable`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("one\n", to: "stdout")
            let name =
                Array("\(sandboxes.path("odd"))".utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), CChar(bitPattern: 0xFE), 0]
            let file = unsafe open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            #expect(file >= 0)
            close(file)
            defer { unsafe unlink(name) }
            #expect(try await server.get("\(Sandboxes.base)/stdout").text == "one\n")
            let list = try await server.get("\(Sandboxes.base)/files/browse")
            #expect(list.status == 200 && list.text.contains("stdout") && list.text.contains("odd\u{FFFD}"))
        }
    }

    @Test func `who may not see the agent's flags reads all the same`() async throws {
        try await withSandboxServer { server, sandboxes in
            try await sandboxes.set(
                #"{"agent_state": {"flags": {}}, "tasks": [{"id": "E1", "framework_id": "F1", "container": "C1", "slave_id": "S1"}]}"#
            )
            try sandboxes.write("one\n", to: "stdout")
            #expect(try await server.get("\(Sandboxes.base)/stdout").text == "one\n")
        }
    }

    @Test func `more reads than the host lets be open wait their turns`() async throws {
        let bytes = String(repeating: "0123456789abcdef\n", count: 40_000)
        try await withSandboxServer(", read_ahead: 16") { server, sandboxes in
            try sandboxes.write(bytes, to: "stdout")
            try await sandboxes.set(#"{"delay_ms": 100}"#)
            let whole = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<40 { group.addTask { try await server.get("\(Sandboxes.base)/stdout/download").text == bytes } }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(whole == 40)
        }
    }

    @Test func `a file that has gone since it was listed is no download`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("one\n", to: "stdout")
            #expect(try await server.get("\(Sandboxes.base)/stdout/download").status == 200)
            try sandboxes.rename("stdout", to: "gone")
            // Listed a moment ago, it seems to be there.
            #expect(try await server.get("\(Sandboxes.base)/stdout/download").status == 404)
        }
    }

    @Test func `a follow is told what its source failed with`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("one\n", to: "stdout")
            let control = sandboxes
            let (started, go) = AsyncStream.makeStream(of: Void.self)
            async let fault = server.open(HTTPRequest("\(Sandboxes.base)/stdout", accept: "text/event-stream")) { _, connection in
                _ = try connection.readEvents(entries: 1)
                go.yield()
                while let event = try connection.readEvent() { if event.name == "fault" { return event.json } }
                return nil
            }
            for await _ in started { break }
            try await control.set(#"{"fail": [{"match": "/files/", "server": "agent", "status": 403}]}"#)
            #expect(try await fault?["status"] == .unsigned(403))
        }
    }

    @Test func `an answer that breaks off after its beginning is no complete answer`() async throws {
        try await withSandboxServer(", read_ahead: 1") { server, sandboxes in
            try sandboxes.write(String(repeating: "0123456789abcdef\n", count: 40_000), to: "stdout")
            try await sandboxes.set(#"{"fail": [{"match": "offset=2[0-9]{5}&", "status": 500}]}"#)
            for path in ["stdout", "stdout/download"] {
                let isComplete = try await server.open(HTTPRequest("\(Sandboxes.base)/\(path)")) { try $1.readsWholeBody() }
                #expect(!isComplete, "\(path)")
            }
        }
    }

    @Test func `a follow outlives a restart of the agent and loses nothing`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let stream = HTTPRequest("\(Sandboxes.base)/stdout?cursor=END", accept: "text/event-stream")
            let control = sandboxes
            let (started, go) = AsyncStream.makeStream(of: Void.self)
            async let followed = server.open(stream, within: .seconds(30)) { _, connection in
                try control.append("one\n", to: "stdout")
                var events = try connection.readEvents(entries: 1)
                go.yield()
                events += try connection.readEvents(entries: 2)
                return events.map { $0.name.map { "event \($0)" } ?? $0.json?["fields"]?["MESSAGE"]?.string ?? "?" }
            }
            for await _ in started { break }
            try await sandboxes.set(#"{"recovering": {"refused_ms": 400, "missing_ms": 300, "unavailable_ms": 500}}"#)
            try sandboxes.append("two\n", to: "stdout")
            try await Task.sleep(for: .milliseconds(1_500))
            try sandboxes.append("three\n", to: "stdout")
            #expect(try await followed == ["one", "two", "three"])
        }
    }

    @Test func `a slow agent is waited for, and read from the right places`() async throws {
        let lines = (0..<20_000).map { "line \($0)" }.joined(separator: "\n") + "\n"
        try await withSandboxServer(", timeout: 5s") { server, sandboxes in
            try sandboxes.write(lines, to: "stdout")
            try await sandboxes.set(#"{"delay_ms": 120}"#)
            #expect(try await server.get("\(Sandboxes.base)/stdout").text == lines)
        }
    }
}
