internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Sockets that a service manager has bound.
    @Suite struct ActivationTests {
        @Test func `sockets that are passed are served, each under its name, and outlive the host`() async throws {
            try await withTemporaryDirectory { directory in
                let sockets = (1...3).map { "\(directory)/\($0).sock" }
                let port = try ServerAddress.freePort()
                let manager = ServiceManager(
                    directory: directory,
                    passed: sockets.enumerated().map { "\($0 < 2 ? "api" : "other")=unix:\($1)" } + ["web=tcp:127.0.0.1:\(port)"])
                for path in sockets { #expect(!fileExists(path)) }
                try await Self.withServer(manager, listen: ["systemd:api", "systemd:other", "systemd:web"]) { server in
                    for address in sockets.map({ ServerAddress.unix(path: $0) }) + [.tcp(port: port)] {
                        let answer = try await blocking {
                            try HTTPConnection(address, within: .seconds(10)).exchange(HTTPRequest("/v2/component?limit=1"))
                        }
                        #expect(answer.status == 200)
                    }
                    // What holds for an address that the host binds itself holds here too.
                    let foreign = try await blocking {
                        try HTTPConnection(.tcp(port: port), within: .seconds(10)).exchange(
                            HTTPRequest("/v2/component", headers: ["Host": "example.com"]))
                    }
                    #expect(foreign.status == 421)
                    for address in sockets.map({ "unix:\($0)" }) + ["tcp://127.0.0.1:\(port)"] {
                        #expect(server.log.contains("address=\(address) "))
                    }
                }
                for path in sockets { #expect(fileExists(path), "its file is the service manager's") }
            }
        }

        @Test func `TLS is spoken on a socket that is passed`() async throws {
            try await withTemporaryDirectory { directory in
                let authority = try TestAuthority("Authority")
                let files = try authority.issue("passed", .server).write(to: directory, as: "server")
                let port = try ServerAddress.freePort()
                let site = TLSSite(directory: directory, port: port, authority: authority)
                try writeFile(site.authorityFile, Array(authority.own.certificate.utf8))
                let manager = ServiceManager(directory: directory, passed: ["web=tcp:127.0.0.1:\(port)"])
                let tls = "{address: systemd:web, tls: {certificate: \(files.certificate), key: \(files.key)}}"
                try await Self.withServer(manager, listen: [tls]) { _ in
                    let (exit, output) = try await site.curl("/v2/component?limit=1")
                    #expect(exit == .status(0) && output.hasSuffix("2 200"), "\(output)")
                }
            }
        }

        @Test func `what was meant for another process is left alone`() async throws {
            try await withTemporaryDirectory { directory in
                let manager = ServiceManager(
                    directory: directory, passed: ["api=unix:\(directory)/a.sock"], options: ["--pid", "1"])
                let (exit, output) = try await Self.start(manager, ["--listen", "systemd:api"])
                #expect(exit == .status(78))
                #expect(output.contains("listen: systemd:api: expected a socket of this name"))
                #expect(output.contains("found no socket"))
            }
        }

        private static let refusals: [(passed: [String], options: [String], listen: [String], line: String)] = [
            (["api=unix:DIR/a"], [], ["systemd:web"], "listen: systemd:web: expected a socket of this name"),
            (
                ["api=unix:DIR/a", "web=unix:DIR/b"], [], ["systemd:web"],
                "listen: expected systemd:api among the addresses, because the service manager has passed unix:DIR/a"
            ),
            (["api=unix:DIR/a"], [], ["unix:DIR/b"], "listen: expected systemd:api among the addresses"),
            (["web=tcp:0.0.0.0:0"], [], ["systemd:web"], "listen: tcp://0.0.0.0:"),
            (["web=tcp:[::]:0"], [], ["systemd:web"], "listen: tcp://[::]:"),
            (["api=datagram:DIR/a"], [], ["systemd:api"], "the service manager: expected listening stream sockets"),
            (
                ["api=unix:DIR/a", "web=unix:DIR/b"], ["--names", "api"], ["systemd:api"],
                "LISTEN_FDNAMES: expected a name for each of 2, found 1"
            ),
        ]

        @Test(arguments: 0..<refusals.count)
        func `sockets that do not fit the configuration stop the start`(index: Int) async throws {
            let refusal = Self.refusals[index]
            try await withTemporaryDirectory { directory in
                func here(_ text: String) -> String { text.replacing("DIR", with: directory) }
                let manager = ServiceManager(directory: directory, passed: refusal.passed.map(here), options: refusal.options)
                let (exit, output) = try await Self.start(manager, refusal.listen.flatMap { ["--listen", here($0)] })
                #expect(exit == .status(78))
                #expect(output.hasPrefix("loghost: " + here(refusal.line)), "\(output)")
                #expect(output.split(separator: "\n").count == 1)
            }
        }

        private static let plugins = """
            plugins:
              - {name: journald, library: libloghost-journald.so}
              - {name: encoders, library: libloghost-encoders.so}

            """

        /// Starts the program, which is to end by itself.
        private static func start(_ manager: ServiceManager, _ arguments: [String]) async throws -> (ChildProcess.Exit, String) {
            try await withTemporaryDirectory { directory in
                let file = "\(directory)/loghost.yaml"
                try writeFile(file, Array(self.plugins.utf8))
                return try await run(
                    manager.launcher + ["\(Products.directory)/loghost", "serve", "--config", file] + arguments)
            }
        }

        private static func withServer(
            _ manager: ServiceManager, listen: [String], _ body: (LogHostProcess) async throws -> Void
        ) async throws {
            try await withJournal { journal in
                try await journal.write([JournalEntry(1)])
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.launcher = manager.launcher
                configuration.moreListen = listen.map { "  - \($0)" }
                try await withLogHost(configuration, body)
            }
        }
    }
}
