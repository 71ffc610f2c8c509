import Glibc
import Testing

/// A file that is renamed, replaced or cut between two requests of one reading.
@Suite struct SandboxRaceTests {
    private static let stream = HTTPRequest("\(Sandboxes.base)/stdout?cursor=END", accept: "text/event-stream")

    @Test(arguments: SandboxReading.allCases)
    func `who comes between two rotations waits for the next file`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("one\n", to: "stdout")
            // What is listed now is remembered for a moment.
            #expect(try await server.get("\(Sandboxes.base)/stdout").text == "one\n")
            try sandboxes.rename("stdout", to: "stdout.1")
            let messages = try await server.open(Self.stream) { head, connection in
                guard head.status == 200 else { return ["\(head.status)"] }
                usleep(300_000)
                try sandboxes.write("two\n", to: "stdout")
                return try connection.readEvents(entries: 1).map(\.said)
            }
            #expect(messages == ["two"])
        }
    }

    @Test(arguments: ["stdout", "stdout/download"])
    func `what is read of a file is never another one's`(path: String) async throws {
        let old = (0..<30_000).map { "old \($0)\n" }.joined()
        let new = (0..<30_000).map { "new line \($0)\n" }.joined()
        try await withSandboxServer(", read_ahead: 1") { server, sandboxes in
            try sandboxes.write(old, to: "stdout")
            try await sandboxes.pause(#"{"match": "/files/read.*offset=1[0-9]{5}&", "times": 1}"#)
            async let answer = server.get("\(Sandboxes.base)/\(path)")
            try await sandboxes.waitForHeld()
            try sandboxes.rename("stdout", to: "stdout.1")
            try sandboxes.write(new, to: "stdout")
            try await sandboxes.resume()
            // A download is one file; a log goes on.
            #expect(try await answer.text == (path == "stdout" ? old + new : old))
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a file that is shorter than it was listed a moment ago is given as it is`(reading: SandboxReading) async throws {
        // All lines are alike: what lies before a place is no help to tell files apart.
        let old = String(repeating: "the same\n", count: 20_000)
        try await withSandboxServer("", reading) { server, sandboxes in
            for path in ["stdout", "stdout/download"] {
                for new in ["", "new\n", String(repeating: "the same\n", count: 20)] {
                    for isRotated in [false, true] {
                        try sandboxes.write(old, to: "stdout")
                        #expect(try await server.get("\(Sandboxes.base)/stdout?limit=1").status == 200)
                        if isRotated { try sandboxes.rename("stdout", to: "stdout.1") }
                        try sandboxes.write(new, to: "stdout")
                        let answer = try await server.get("\(Sandboxes.base)/\(path)")
                        #expect([200, 204].contains(answer.status))
                        #expect(answer.text == new, "\(path) \(new.utf8.count) \(isRotated): \(answer.body.count)")
                    }
                }
            }
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `the last lines are there as soon as the next file is`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("one\n", to: "stdout.1")
            #expect(try await server.get("\(Sandboxes.base)/stdout?cursor=END&skip=-2").text.isEmpty)
            try sandboxes.write("two\nthree\nfour\n", to: "stdout")
            #expect(try await server.get("\(Sandboxes.base)/stdout?cursor=END&skip=-2").text == "three\nfour\n")
        }
    }

    @Test func `a file that gets an older name before it is read is read under that`() async throws {
        try await withSandboxServer { server, sandboxes in
            for (name, letter, count) in [("stdout.2", "A", 50), ("stdout.1", "B", 60), ("stdout", "C", 70)] {
                try sandboxes.write((0..<count).map { "\(letter)\($0)\n" }.joined(), to: name)
            }
            let first = try await server.get("\(Sandboxes.base)/stdout.2?format=json&limit=48").text.split(separator: "\n")
            let last = try JSONValue(String(first.last ?? ""))
            let id = try #require(last["cursor"]?.string)
            try await sandboxes.pause(#"{"match": "stdout.1&offset=0&length=65536", "times": 1}"#)
            let request = HTTPRequest(
                "\(Sandboxes.base)/stdout", accept: "text/event-stream", headers: ["Last-Event-ID": id])
            async let lines = server.open(request) { _, connection in
                try connection.readEvents(entries: 2 + 60 + 70 + 10).map(\.said)
            }
            try await sandboxes.waitForHeld()
            try sandboxes.rename("stdout.2", to: "stdout.3")
            try sandboxes.rename("stdout.1", to: "stdout.2")
            try sandboxes.rename("stdout", to: "stdout.1")
            try sandboxes.write((0..<10).map { "D\($0)\n" }.joined(), to: "stdout")
            try await sandboxes.resume()
            let expected =
                ["A48", "A49"] + (0..<60).map { "B\($0)" } + (0..<70).map { "C\($0)" } + (0..<10).map { "D\($0)" }
            #expect(try await lines == expected)
        }
    }

    @Test func `a file that vanishes while it is read is read on under its new name`() async throws {
        let old = (0..<30_000).map { "old \($0)\n" }.joined()
        try await withSandboxServer(", read_ahead: 1") { server, sandboxes in
            try sandboxes.write(old, to: "stdout")
            try await sandboxes.pause(#"{"match": "/files/read.*offset=1[0-9]{5}&", "times": 1}"#)
            async let answer = server.get("\(Sandboxes.base)/stdout/download")
            try await sandboxes.waitForHeld()
            try sandboxes.rename("stdout", to: "stdout.1")
            try await sandboxes.resume()
            #expect(try await answer.text == old)
        }
    }

    @Test func `a file that is cut between two looks at its end begins anew`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("first line, by which the file is known\n", to: "stdout")
            // Whether the agent gives little at once is asked with a second read, behind the end.
            try await sandboxes.pause(#"{"match": "/files/read.*length=64$", "times": 1}"#)
            async let messages = server.open(Self.stream) { _, connection in
                try connection.readEvents(entries: 3).map(\.said)
            }
            try await sandboxes.waitForHeld()
            try sandboxes.write("another beginning\n\(String(repeating: "x", count: 300))\nend\n", to: "stdout")
            try await sandboxes.resume()
            let said = try await messages
            #expect(said.prefix(2) == ["event gap", "another beginning"], "\(said)")
            #expect(said.last == "end" && said.count == 4)
        }
    }

    @Test(arguments: ["stdout", "stdout/download"])
    func `a file that is cut while it is read from the disk is not mixed with what is written then`(path: String) async throws {
        let old = (0..<1_000_000).map { "old \($0)\n" }.joined()
        let new = (0..<1_000_000).map { "new line \($0)\n" }.joined()
        try await withSandboxServer("", .local) { server, sandboxes in
            try sandboxes.write(old, to: "stdout")
            let text = try await server.open(HTTPRequest("\(Sandboxes.base)/\(path)"), receiveBuffer: 4096) { _, connection in
                var bytes = try connection.readPiece() ?? []
                // The same file, with other bytes in it.
                try sandboxes.write(new, to: "stdout")
                while let piece = try? connection.readPiece() { bytes += piece }
                return connection.isComplete ? "complete" : String(decoding: bytes, as: UTF8.self)
            }
            #expect(text != "complete")
            #expect(old.hasPrefix(text) && !text.isEmpty && text.utf8.count < old.utf8.count)
        }
    }

    @Test func `a file that is renamed between two reads of one look is followed under its new name`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("first line, by which the file is known, longer than what is compared of it\n", to: "stdout")
            try await sandboxes.pause(#"{"match": "/files/read.*length=64$", "times": 1}"#)
            async let messages = server.open(Self.stream) { _, connection in
                try connection.readEvents(entries: 2).map(\.said)
            }
            try await sandboxes.waitForHeld()
            try sandboxes.append("one\n", to: "stdout")
            try sandboxes.rename("stdout", to: "stdout.1")
            try await sandboxes.resume()
            try await Task.sleep(for: .milliseconds(500))
            try sandboxes.write("two\n", to: "stdout")
            #expect(try await messages == ["one", "two"])
        }
    }

    @Test func `a list that was made before a rotation does not count after it`() async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("first line, by which the file is known\n", to: "stdout")
            let (events, told) = AsyncStream.makeStream(of: String.self)
            async let end: Void = server.open(Self.stream) { _, connection in
                told.yield("open")
                for event in try connection.readEvents(entries: 3) { told.yield(event.said) }
                told.finish()
            }
            var said = events.makeAsyncIterator()
            #expect(await said.next() == "open")
            try sandboxes.append("one\n", to: "stdout")
            // Older than any list that is remembered.
            try await Task.sleep(for: .milliseconds(2_500))
            try await sandboxes.pause(#"{"match": "/files/browse", "stage": "after", "times": 1}"#)
            async let list = server.get("\(Sandboxes.base)/files/browse")
            try await sandboxes.waitForHeld()
            try sandboxes.append("two\n", to: "stdout")
            try sandboxes.rename("stdout", to: "stdout.1")
            try sandboxes.write("three\n", to: "stdout")
            try await Task.sleep(for: .milliseconds(1_200))
            try await sandboxes.resume()
            var rest: [String] = []
            while let text = await said.next() { rest.append(text) }
            #expect(rest == ["one", "two", "three"])
            #expect(try await list.status == 200)
            try await end
        }
    }

    @Test(arguments: SandboxReading.allCases)
    func `a file that is emptied begins anew with what comes then`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            try sandboxes.write("first line, by which the file is known\n", to: "stdout")
            let messages = try await server.open(Self.stream) { _, connection in
                try sandboxes.append("one\n", to: "stdout")
                var said = try connection.readEvents(entries: 1).map(\.said)
                try sandboxes.write("", to: "stdout")
                usleep(1_500_000)
                try sandboxes.append("two\n", to: "stdout")
                said += try connection.readEvents(entries: 1).map(\.said)
                return said
            }
            #expect(messages == ["one", "event gap", "two"])
        }
    }

    @Test(arguments: [#"{"down": true}"#, #"{"delay_ms": 400}"#])
    func `a follow outlives an agent that is away or slow`(trouble: String) async throws {
        try await withSandboxServer { server, sandboxes in
            try sandboxes.write("first line, by which the file is known\n", to: "stdout")
            let (events, told) = AsyncStream.makeStream(of: String.self)
            async let end: Void = server.open(Self.stream) { _, connection in
                told.yield("open")
                for event in try connection.readEvents(entries: 2) { told.yield(event.said) }
                told.finish()
            }
            var said = events.makeAsyncIterator()
            #expect(await said.next() == "open")
            try await sandboxes.set(trouble)
            try sandboxes.append("one\n", to: "stdout")
            try await Task.sleep(for: .milliseconds(1_200))
            try await sandboxes.set(#"{"down": false, "delay_ms": {}}"#)
            try sandboxes.append("two\n", to: "stdout")
            var rest: [String] = []
            while let text = await said.next() { rest.append(text) }
            #expect(rest == ["one", "two"])
            try await end
        }
    }
}
