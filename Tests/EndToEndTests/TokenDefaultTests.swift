internal import Glibc
internal import Testing

extension EndToEndTests {
    /// `loghost serve` without a configuration.
    @Suite struct TokenDefaultTests {
        /// The program, with its two outputs apart.
        private struct Server {
            let child: ChildProcess
            let output: CapturedOutput
            /// Where the other output goes.
            let errors: String
            let directory: String

            var said: String { get throws { String(decoding: try readFile(self.errors), as: UTF8.self) } }

            /// Waits for the line that follows the journal; gives its command.
            func command() async throws -> String {
                let deadline = ContinuousClock.now + .seconds(20)
                while ContinuousClock.now < deadline, self.child.exit == nil {
                    let line = self.output.string.split(separator: "\n").first { $0.hasPrefix("Follow the journal:  ") }
                    if let line, self.output.string.hasSuffix("\n") { return String(line.dropFirst(21)) }
                    try await Task.sleep(for: .milliseconds(10))
                }
                throw HarnessError("no greeting; the program said: \(try self.said)")
            }

            /// The files in the directory for run-time files.
            var files: [String] { listDirectory("\(self.directory)/run") }
        }

        private static func withServer(
            _ arguments: [String] = [], before: String = ":", _ body: (Server) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { directory in
                try #require(unsafe mkdir("\(directory)/run", 0o700) == 0)
                let pipe = try Descriptor.pipe()
                let output = CapturedOutput(pipe.reading)
                // The shell becomes the program: they have the same number.
                let script = "cd \(directory); \(before); exec \"$@\" 2>\(directory)/errors"
                let child = try ChildProcess(
                    [
                        "env", "XDG_RUNTIME_DIR=\(directory)/run", "sh", "-c", script, "sh", "\(Products.directory)/loghost",
                        "serve",
                    ]
                        + ["--listen", "tcp://127.0.0.1:0"] + arguments, output: pipe.writing)
                defer { child.kill() }
                try await body(Server(child: child, output: output, errors: "\(directory)/errors", directory: directory))
                child.send(SIGTERM)
                #expect(try await child.waitForExit(within: .seconds(15)) == .status(0))
            }
        }

        /// What curl says of a command: the answer's head, and that it had to be stopped.
        private static func head(_ command: String) async throws -> (exit: ChildProcess.Exit, output: String) {
            try await run(["sh", "-c", "\(command) --silent --max-time 3 --dump-header - --output /dev/null"])
        }

        /// A file's type and permissions.
        private static func kind(_ file: String) async throws -> String {
            try await run(["stat", "--format=%F %a", file]).output
        }

        @Test func `the line it prints follows the journal`() async throws {
            try await Self.withServer { server in
                let command = try await server.command()
                #expect(command.hasPrefix("curl -N 'http://127.0.0.1:"))
                #expect(command.contains("/v2/component?skip=-10&follow=true' -H 'Authorization: Bearer "))
                let (exit, output) = try await Self.head(command)
                #expect(output.hasPrefix("HTTP/1.1 200 "))
                // Still open when curl's time was over.
                #expect(exit == .status(28))
                let without = try #require(command.split(separator: " -H ").first)
                #expect(try await Self.head(String(without)).output.hasPrefix("HTTP/1.1 401 "))
                #expect(try await Self.head(command.replacing("Bearer ", with: "Bearer x")).output.hasPrefix("HTTP/1.1 401 "))
            }
        }

        @Test func `its token is in a file for its owner, nowhere else, and goes with it`() async throws {
            try await Self.withServer { server in
                let command = try await server.command()
                let name = "loghost-\(server.child.pid).token"
                #expect(server.files == [name])
                let file = "\(server.directory)/run/\(name)"
                #expect(try await Self.kind(file) == "regular file 600\n")
                let token = String(decoding: try readFile(file).dropLast(), as: UTF8.self)
                #expect(token.utf8.count == 43)
                #expect(command.hasSuffix(" -H 'Authorization: Bearer \(token)'"))
                #expect(server.output.string.contains("The token, until this ends:  \(file)\n"))
                _ = try await Self.head(command)
                let arguments = String(decoding: try readFile("/proc/\(server.child.pid)/cmdline"), as: UTF8.self)
                #expect(!arguments.contains(token))
                server.child.send(SIGTERM)
                #expect(try await server.child.waitForExit(within: .seconds(15)) == .status(0))
                #expect(server.files.isEmpty)
                #expect(try server.said.contains(#""principal":"local""#))
                #expect(try !server.said.contains(token))
            }
        }

        @Test func `every start has another token`() async throws {
            var commands: Set<Substring> = []
            for _ in 1...2 {
                try await Self.withServer { server in
                    commands.insert(try await server.command().split(separator: "Bearer ").last ?? "")
                }
            }
            #expect(commands.count == 2)
        }

        @Test func `what is left of another process is replaced, not written to`() async throws {
            let before = "echo precious >target; ln -s ../target run/loghost-$$.token"
            try await Self.withServer(before: before) { server in
                let command = try await server.command()
                #expect(try await Self.head(command).output.hasPrefix("HTTP/1.1 200 "))
                #expect(try readFile("\(server.directory)/target") == Array("precious\n".utf8))
                let file = "\(server.directory)/run/loghost-\(server.child.pid).token"
                #expect(try await Self.kind(file) == "regular file 600\n")
            }
        }

        @Test func `a token of one's own is used and not shown`() async throws {
            let token = "operators-own-token-8Yp2"
            let before = "umask 077; echo \(token) >\"it's.token\""
            try await Self.withServer(["--token-file", "it's.token"], before: before) { server in
                let command = try await server.command()
                #expect(!server.output.string.contains(token))
                #expect(command.contains(#" -H "Authorization: Bearer $(cat '"#))
                #expect(try await Self.head(command).output.hasPrefix("HTTP/1.1 200 "))
                #expect(try await Self.head(command.replacing("Bearer $", with: "Bearer x$")).output.hasPrefix("HTTP/1.1 401 "))
                #expect(server.files.isEmpty)
                #expect(try !server.said.contains(token))
                #expect(fileExists("\(server.directory)/it's.token"))
            }
        }

        @Test(arguments: [
            ("operators-own-token", 0o644, "expected a file that only its owner may use (chmod 600), found mode 0644"),
            ("operators-own-token", 0o620, "expected a file that only its owner may use (chmod 600), found mode 0620"),
            ("too-short", 0o600, "expected one line of 16 to 4096 printable characters, found something else"),
            ("two words of a token", 0o600, "expected one line of 16 to 4096 printable characters, found something else"),
            ("", 0o600, "expected one line of 16 to 4096 printable characters, found something else"),
        ])
        func `a bad file of one's own token stops the start`(text: String, mode: mode_t, expected: String) async throws {
            try await withTemporaryDirectory { directory in
                let file = "\(directory)/token"
                try writeFile(file, Array("\(text)\n".utf8))
                try #require(unsafe chmod(file, mode) == 0)
                let (exit, output) = try await runLogHost(["serve", "--token-file", file])
                #expect(exit == .status(78))
                #expect(output == "loghost: --token-file: \(file): \(expected)\n")
            }
        }

        @Test func `a token beside a configuration is refused`() async throws {
            let (exit, output) = try await runLogHost(["serve", "--config", "/x", "--token-file", "/y"])
            #expect(exit == .status(64))
            #expect(output.contains("--token-file: expected no --config beside it"))
        }

        @Test func `with authorizers of its own a configuration's line shows that a credential is needed`() async throws {
            try await withTokenServer { server, _, _ in
                #expect(server.log.contains("follow=true' -H 'Authorization: …'\n"))
            }
            try await withJournal { journal in
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    #expect(server.log.contains("follow=true'\n"))
                }
            }
        }
    }
}
