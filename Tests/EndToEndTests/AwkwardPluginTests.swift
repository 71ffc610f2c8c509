internal import Glibc
internal import Testing

extension EndToEndTests {
    /// A plugin in C that does what the ABI allows and few plugins do: see `Tests/Plugins/awkward-source.c`.
    @Suite struct AwkwardPluginTests {
        /// Lends a server with one worker.
        private static func withPlugin(scan: String = "1s", _ body: (LogHostProcess) async throws -> Void) async throws {
            try await withTemporaryDirectory { directory in
                let library = "\(directory)/libawkward.so"
                try await compilePlugin("Tests/Plugins/awkward-source.c", to: library)
                try await withJournal { journal in
                    var configuration = LogHostConfiguration(directory: journal.directory)
                    configuration.morePlugins = ["  - name: awkward", "    library: \(library)"]
                    configuration.limits = ["worker_threads": "1", "scan": scan]
                    try await withLogHost(configuration, body)
                }
            }
        }

        @Test(arguments: ["filter=N:1", "skip=1000000000000", "skip=1000000000000&limit=1"])
        func `a search that finds nothing ends, also where the host makes it`(query: String) async throws {
            try await Self.withPlugin { server in
                let answer = try await server.get("/v2/endless?\(query)", accept: "application/json")
                #expect(answer.status == 503)
                #expect(try JSONValue(answer.text)["detail"]?.string?.hasPrefix("The search found nothing") == true)
            }
        }

        @Test func `a search whose client has gone makes room for others`() async throws {
            // Longer than the test waits for an answer.
            try await Self.withPlugin(scan: "1m") { server in
                for _ in 0..<3 {
                    try await server.connect { try $0.send(HTTPRequest("/v2/endless?filter=N:1", accept: "application/json")) }
                }
                #expect(try await server.get("/cancels").status == 200)
            }
        }

        @Test func `what a source was lent is there until it has completed`() async throws {
            try await Self.withPlugin { server in
                let queries = (1...20).map { "limit=\($0)&note=" + String(repeating: "\($0)-", count: 20) }
                let texts = try await withThrowingTaskGroup { group in
                    for query in queries {
                        group.addTask { try await JSONValue(server.get("/v2/late?\(query)", accept: "application/json").text) }
                    }
                    return try await group.reduce(into: Set<String>()) { $0.insert($1["fields"]?["QUERY"]?.string ?? "") }
                }
                #expect(texts == Set(queries.enumerated().map { "\($1) limit=\($0 + 1)" }))
            }
        }

        @Test func `what nobody waits for any more is given up`() async throws {
            try await Self.withPlugin { server in
                try await server.connect { connection in
                    try connection.send(HTTPRequest("/v2/never"))
                    // Until the source has been asked.
                    usleep(900_000)
                }
                var cancels = ""
                for _ in 0..<100 where cancels != "1" {
                    try await Task.sleep(for: .milliseconds(20))
                    cancels = try await server.get("/cancels").text
                }
                #expect(cancels == "1")
            }
        }

        @Test func `bytes that break off are closed, and their answer is not complete`() async throws {
            try await Self.withPlugin { server in
                let isWhole = try await server.open(HTTPRequest("/broken")) { head, connection in
                    #expect(head.status == 200)
                    return try connection.readsWholeBody()
                }
                #expect(!isWhole)
                var closes = ""
                for _ in 0..<100 where closes != "1" {
                    closes = try await server.get("/closes").text
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(closes == "1")
            }
        }

        @Test func `of headers of one name none is lost`() async throws {
            try await Self.withPlugin { server in
                let answer = try await server.get("/cancels")
                #expect(answer.head.fields.filter { $0.name == "x-twice" }.map(\.value) == ["one", "two"])
            }
        }

        @Test func `a format that makes no progress fails, in ranges and in follows`() async throws {
            try await Self.withPlugin { server in
                let answer = try await server.get("/v2/late?format=stuck")
                #expect(answer.status == 500)
                #expect(answer.text.contains("The format makes no progress."))
                let isWhole = try await server.open(HTTPRequest("/v2/endless?format=stuck&follow=true")) {
                    try $1.readsWholeBody()
                }
                #expect(!isWhole)
                // The only worker is free again.
                #expect(try await server.get("/cancels").status == 200)
            }
        }

        @Test func `a plugin without a function that must be there is refused`() async throws {
            try await withTemporaryDirectory { directory in
                let library = "\(directory)/libincomplete.so"
                try await compilePlugin("Tests/Plugins/awkward-source.c", to: library, ["-DINCOMPLETE"])
                let (exit, output) = try await runLogHost(["plugins", "inspect", library])
                #expect(exit != .status(0))
                #expect(output.contains("loghost.encoder/1: expected a function `keep_alive`, found NULL."))
            }
        }

        @Test func `the fields of a filter that the host evaluates are asked for`() async throws {
            try await Self.withPlugin { server in
                let answer = try await server.get("/v2/endless?filter=N:0&limit=3&explain=true", accept: "application/json")
                let json = try JSONValue(answer.text)
                #expect(json["status"] == .unsigned(200))
                #expect(json["empty"] == nil)
            }
        }
    }
}
