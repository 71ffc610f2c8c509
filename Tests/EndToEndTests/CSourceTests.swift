internal import Glibc
internal import Testing

extension EndToEndTests {
    /// The example source in C, built with one line and loaded by the unchanged host.
    @Suite struct CSourceTests {
        private static let repository = String(#filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })

        /// Lends a server that gives out the files of a directory through the C source.
        private static func withFiles(_ body: (LogHostProcess, _ directory: String) async throws -> Void) async throws {
            try await withTemporaryDirectory { directory in
                let library = "\(directory)/libfiles.so"
                let (exit, output) = try await run([
                    "cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fvisibility=hidden", "-shared", "-fPIC",
                    "-I\(Self.repository)/Sources/PluginABI", "-o", library, "\(Self.repository)/Examples/c-source/source.c",
                ])
                try #require(exit == .status(0), "\(output)")
                // Whatever the umask is, others must not be able to write it.
                unsafe chmod(library, 0o755)
                let files = "\(directory)/files"
                unsafe mkdir(files, 0o755)
                try writeFile("\(files)/five", Array("one\ntwo\nthree\nfour\nfive\n".utf8))
                try await withJournal { journal in
                    var configuration = LogHostConfiguration(directory: journal.directory)
                    configuration.morePlugins = [
                        "  - name: files", "    library: \(library)", "    config:", "      directory: \(files)",
                    ]
                    try await withLogHost(configuration) { server in try await body(server, files) }
                }
            }
        }

        @Test(
            arguments: [
                ("", "one two three four five"), ("limit=2", "one two"), ("skip=2", "three four five"),
                ("skip=2&limit=1", "three"), ("skip=-2", "four five"), ("skip=-9", "one two three four five"),
                ("cursor=END&skip=-1", "five"), ("cursor=8", "three four five"), ("cursor=8&skip=-1", "two three four five"),
                ("cursor=8&skip=1", "four five"), ("cursor=BEG&limit=1", "one"), ("cursor=END", ""), ("skip=9", ""),
            ])
        func `the host does what the source does not`(query: String, lines: String) async throws {
            try await Self.withFiles { server, _ in
                let answer = try await server.get("/v2/files/five?\(query)", accept: "text/plain")
                #expect(answer.status == 200)
                #expect(answer.lines.joined(separator: " ") == lines)
            }
        }

        @Test func `lines have their own JSON and errors their statuses`() async throws {
            try await Self.withFiles { server, _ in
                let json = try await server.get("/v2/files/five?limit=1", accept: "application/json")
                #expect(json.text == #"{"fields":{"FILE":"five","MESSAGE":"one"},"cursor":"4"}"# + "\n")
                #expect(try await server.get("/v2/files").text.trimmed == "[\"five\"]")
                for (target, status) in [("none", 404), ("five?cursor=x", 400), ("five?cursor=99", 410)] {
                    #expect(try await server.get("/v2/files/\(target)").status == status, "\(target)")
                }
            }
        }

        @Test func `a long line and any bytes come as they are`() async throws {
            try await Self.withFiles { server, files in
                let line = Array(repeating: UInt8(ascii: "x"), count: 3 << 20) + [0, 0xFF, 0xC3, 13, 10]
                let bytes = line + Array("no newline".utf8)
                try writeFile("\(files)/long", bytes)
                let answer = try await server.get("/v2/files/long", accept: "text/plain")
                #expect(answer.body == bytes)
                let json = try await server.get("/v2/files/long?limit=1", accept: "application/json")
                #expect(try json.jsonLines.count == 1)
            }
        }

        @Test func `a follow gets new lines when they are complete and resumes behind them`() async throws {
            try await Self.withFiles { server, files in
                let request = HTTPRequest("/v2/files/five?skip=-1", accept: "text/event-stream")
                let file = "\(files)/five"
                let ids = try await server.open(request) { _, connection in
                    var ids = [try connection.readEvents(entries: 1).first?.id]
                    appendToFile(file, "six")
                    appendToFile(file, "!\nseven\n")
                    ids += try connection.readEvents(entries: 2).map(\.id)
                    return ids
                }
                #expect(ids == ["24", "29", "35"])
                let again = HTTPRequest("/v2/files/five", accept: "text/event-stream", headers: ["Last-Event-ID": "29"])
                let events = try await server.open(again) { _, connection in try connection.readEvents(entries: 1) }
                #expect(events.first?.id == "35")
            }
        }
    }
}

private func appendToFile(_ path: String, _ text: String) {
    let descriptor = unsafe open(path, O_WRONLY | O_APPEND)
    let bytes = Array(text.utf8)
    unsafe write(descriptor, bytes, bytes.count)
    close(descriptor)
}

extension String {
    fileprivate var trimmed: String {
        String(self.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
