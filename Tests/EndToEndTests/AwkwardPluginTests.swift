internal import Glibc
internal import Testing

extension EndToEndTests {
    /// A plugin in C that does what the ABI allows and few plugins do: see `Tests/Plugins/awkward-source.c`.
    @Suite struct AwkwardPluginTests {
        /// Lends a server with one worker, or more.
        private static func withPlugin(
            scan: String = "1s", workers: Int = 1, _ flags: [String] = [], _ body: (LogHostProcess) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { directory in
                let library = "\(directory)/libawkward.so"
                try await compilePlugin("Tests/Plugins/awkward-source.c", to: library, flags)
                try await withJournal { journal in
                    var configuration = LogHostConfiguration(directory: journal.directory)
                    configuration.morePlugins = ["  - name: awkward", "    library: \(library)"]
                    configuration.limits = ["worker_threads": "\(workers)", "scan": scan]
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

        @Test(arguments: [200, 204, 205, 304])
        func `where no body may be none is sent, and the connection goes on`(status: Int) async throws {
            try await Self.withPlugin { server in
                let statuses = try await server.connect { connection in
                    try connection.send(HTTPRequest("/status?\(status)"))
                    let first = try connection.readHead()
                    // One of 205 may be chunked, and then has an end.
                    if [200, 205].contains(status) { _ = try connection.readsWholeBody() }
                    try connection.send(HTTPRequest("/cancels"))
                    return [first.status, try connection.readHead().status]
                }
                #expect(statuses == [status, 200])
            }
        }

        @Test func `pieces without bytes are no answer for ever`() async throws {
            try await Self.withPlugin(scan: "1m") { server in
                try await server.connect { connection in
                    try connection.send(HTTPRequest("/hollow"))
                    usleep(300_000)
                }
                var closes = ""
                for _ in 0..<100 where closes != "1" {
                    closes = try await server.get("/closes").text
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(closes == "1")
            }
            try await Self.withPlugin { server in
                let status = try await server.get("/hollow").status
                #expect(status == 504)
            }
        }

        @Test(arguments: ["/bare", "/half"])
        func `a stream that cannot be read is refused, and left to the plugin`(path: String) async throws {
            try await Self.withPlugin { server in
                let status = try await server.get(path).status
                #expect(status == 500)
                #expect(try await server.get("/closes").text == "1")
            }
        }

        @Test func `a gap does not lead a step back to the head`() async throws {
            try await Self.withPlugin { server in
                let request = HTTPRequest("/v2/gapped?skip=-15", accept: "text/event-stream")
                let events = try await server.open(request) { try $1.readAllEvents().filter { $0.data != nil } }
                let said = events.map { $0.name ?? $0.json?["fields"]?["MESSAGE"]?.string ?? "?" }
                let expected = ["6", "7", "8", "9", "10", "gap"] + (11...20).map { "\($0)" } + ["end"]
                #expect(said == expected)
            }
        }

        @Test func `a newline that comes after its line was given twice is given once`() async throws {
            try await Self.withPlugin(workers: 4) { server in
                let text = try await server.open(HTTPRequest("/v2/halves?follow=true")) { _, connection in
                    var bytes: [UInt8] = []
                    while let piece = try connection.readPiece() { bytes += piece }
                    return String(decoding: bytes, as: UTF8.self)
                }
                // Each after its time.
                let lines = text.split(separator: "\n").map { $0.split(separator: " ").last ?? "" }
                #expect(lines == ["a", "par", "c"] && text.hasSuffix("\n"), "\(text)")
            }
        }

        @Test func `a plugin that takes its time to say how it is holds up one worker, and nobody else`() async throws {
            try await Self.withPlugin(workers: 2, ["-DSLOW_HEALTH"]) { server in
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<5 { group.addTask { try await server.get("/readyz").status } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses == Array(repeating: 503, count: 5))
                try await Task.sleep(for: .milliseconds(1_100))
                #expect(try await server.get("/readyz").status == 503)
                #expect(try await server.get("/checks").text == "1")
            }
        }

        @Test func `a route that nobody can ask for is refused`() async throws {
            try await withTemporaryDirectory { directory in
                let library = "\(directory)/libpost.so"
                try await compilePlugin("Tests/Plugins/awkward-source.c", to: library, ["-DPOST"])
                let configuration = "plugins: [{name: awkward, library: \(library)}]"
                try writeFile("\(directory)/loghost.yaml", Array(configuration.utf8))
                let (exit, output) = try await runLogHost(["serve", "--config", "\(directory)/loghost.yaml"])
                #expect(exit == .status(78))
                #expect(output.contains("route /v2/endless: method: expected GET, found \"POST\""))
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
