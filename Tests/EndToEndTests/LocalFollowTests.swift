import Glibc
import Testing

/// Follows of files on the node's disk: what only a descriptor that is kept can do, and who may.
@Suite struct LocalFollowTests {
    private static let stream = HTTPRequest("\(Sandboxes.base)/stdout?cursor=END", accept: "text/event-stream")

    @Test func `a file that is deleted or compressed is read to its end first`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let messages = try await server.open(Self.stream) { _, connection in
                try sandboxes.append("one\n", to: "stdout")
                var events = try connection.readEvents(entries: 1)
                try sandboxes.append("two\n", to: "stdout")
                unsafe unlink(sandboxes.path("stdout"))
                try sandboxes.write("three\n", to: "stdout")
                events += try connection.readEvents(entries: 2)
                // Compressed at once, and the file before that is still there.
                try sandboxes.append("four\n", to: "stdout")
                try sandboxes.rename("stdout", to: "stdout.2.gz")
                try sandboxes.write("five\n", to: "stdout.1")
                try sandboxes.write("six\n", to: "stdout")
                unsafe unlink(sandboxes.path("stdout.2.gz"))
                events += try connection.readEvents(entries: 3)
                return events.map(\.said)
            }
            #expect(messages == ["one", "two", "three", "four", "five", "six"])
        }
    }

    @Test func `a file that was copied and cut is read on in its copy`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let messages = try await server.open(Self.stream) { _, connection in
                try sandboxes.append("one\n", to: "stdout")
                var events = try connection.readEvents(entries: 1)
                try sandboxes.write("old\none\ntwo\n", to: "stdout.1")
                try sandboxes.write("three\n", to: "stdout")
                events += try connection.readEvents(entries: 2)
                return events.map(\.said)
            }
            #expect(messages == ["one", "two", "three"])
        }
    }

    @Test func `files of the same beginning are told apart by what they are, not by what is in them`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            try sandboxes.write("same\n", to: "stdout")
            let messages = try await server.open(
                HTTPRequest("\(Sandboxes.base)/stdout?cursor=BEG", accept: "text/event-stream")
            ) { _, connection in
                var events = try connection.readEvents(entries: 1)
                try sandboxes.rename("stdout", to: "stdout.1")
                try sandboxes.write("same\n", to: "stdout")
                events += try connection.readEvents(entries: 1)
                return events.map(\.said)
            }
            #expect(messages == ["same", "same"])
        }
    }

    @Test func `a directory is watched while a file in it is followed, and the agent is not asked for bytes`() async throws {
        try await withSandboxServer("", .local) { server, sandboxes in
            try sandboxes.write("old\n", to: "stdout")
            let pid = server.child.pid
            // The journal has some of its own.
            let before = try Self.watches(of: pid)
            let watches = try await server.open(Self.stream) { _, connection in
                try sandboxes.append("one\n", to: "stdout")
                _ = try connection.readEvents(entries: 1)
                return try Self.watches(of: pid)
            }
            #expect(watches == before + 1)
            let deadline = ContinuousClock.now + .seconds(20)
            while try Self.watches(of: pid) != before, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try Self.watches(of: pid) == before)
            let stats = try await sandboxes.stats()
            #expect((stats["endpoints"]?["agent /files/read"]?["requests"]?.unsigned ?? 0) == 0)
        }
    }

    /// How many directories a process lets the kernel watch for it.
    private static func watches(of pid: Int32) throws -> Int {
        listDirectory("/proc/\(pid)/fdinfo").reduce(0) { count, number in
            let text = (try? readFile("/proc/\(pid)/fdinfo/\(number)")).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return count + text.split(separator: "\n").count { $0.hasPrefix("inotify wd:") }
        }
    }

    @Test func `nobody reads the disk whom the agent would not let look`() async throws {
        try await withSandboxes { sandboxes in
            try sandboxes.write("inside\n", to: "stdout")
            // An authorizer behind the probe would allow it: but then the agent has not been asked.
            try await withServer(of: sandboxes, "", .local, authorizers: "[sandbox, token]") { server in
                for path in ["stdout", "stdout/download", "files/browse"] {
                    let answer = try await server.get("\(Sandboxes.base)/\(path)")
                    #expect(answer.status == 401, "\(path)")
                    #expect(!answer.text.contains("inside"))
                }
            }
            try await withServer(of: sandboxes, "", .local) { server in
                #expect(try await server.get("\(Sandboxes.base)/stdout").text == "inside\n")
                try await sandboxes.set(#"{"fail": [{"match": "/files/browse", "status": 403, "times": 99}]}"#)
                // Answers are remembered for five seconds.
                let deadline = ContinuousClock.now + .seconds(20)
                while try await server.get("\(Sandboxes.base)/stdout").status == 200, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(200))
                }
                for path in ["stdout", "stdout/download", "files/browse"] {
                    #expect(try await server.get("\(Sandboxes.base)/\(path)").status == 403, "\(path)")
                }
            }
        }
    }

    @Test func `without the probe among the authorizers the program does not start`() async throws {
        try await withTemporaryDirectory { directory in
            let products = try Products.directory
            for (role, word) in [("agent", "authorizers"), ("master", "agent")] {
                let file = "\(directory)/\(role).yaml"
                let lines = [
                    "listen: [\"unix:\(directory)/socket\"]", "plugin_path: [\(products)]", "plugins:",
                    "  - {name: encoders, library: libloghost-encoders.so}",
                    "  - {name: sandbox, library: libloghost-mesos-sandbox.so, config: {role: \(role), local: true}}", "",
                ]
                try writeFile(file, Array(lines.joined(separator: "\n").utf8))
                let (exit, output) = try await runLogHost(["serve", "--config", file])
                #expect(exit != .status(0))
                #expect(output.contains("local:") && output.contains(word), "\(output)")
            }
        }
    }
}
