import Glibc
import Testing

/// Tasks of pods: their sandboxes lie in that of their executor, behind a link that Mesos makes.
@Suite struct SandboxPodTests {
    @Test(arguments: SandboxReading.allCases)
    func `a pod's task is read through its executor's run`(reading: SandboxReading) async throws {
        try await withSandboxServer("", reading) { server, sandboxes in
            for directory in ["containers", "containers/inner", "containers/inner/sub", "tasks"] {
                unsafe mkdir(sandboxes.path(directory), 0o755)
            }
            try sandboxes.write("one\ntwo\n", to: "containers/inner/stdout")
            try sandboxes.write("deep\n", to: "containers/inner/sub/file")
            try #require(unsafe symlink("\(sandboxes.directory)/containers/inner", sandboxes.path("tasks/T1")) == 0)
            let base = "\(Sandboxes.base)/tasks/T1"
            #expect(try await server.get("\(base)/stdout").text == "one\ntwo\n")
            #expect(try await server.get("\(base)/sub/file").text == "deep\n")
            #expect(try await server.get("\(base)/sub%2Ffile").text == "deep\n")
            #expect(try await server.get("\(base)/stdout/download").text == "one\ntwo\n")
            guard case .array(let list) = try JSONValue(await server.get("\(base)/files/browse").text) else {
                throw HarnessError("no list")
            }
            #expect(list.count == 2)
            #expect(try await server.get("\(Sandboxes.base)/tasks/T2/stdout").status == 404)
            let stream = HTTPRequest("\(base)/stdout?cursor=END", accept: "text/event-stream")
            let messages = try await server.open(stream) { _, connection in
                try sandboxes.append("three\n", to: "containers/inner/stdout")
                return try connection.readEvents(entries: 1).compactMap { $0.json?["fields"]?["MESSAGE"]?.string }
            }
            #expect(messages == ["three"])
            #expect(try await sandboxes.stats()["errors"] == .unsigned(0))
        }
    }
}
