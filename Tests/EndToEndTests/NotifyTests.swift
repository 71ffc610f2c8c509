internal import Glibc
internal import Testing

extension EndToEndTests {
    /// What a service manager is told.
    @Suite struct NotifyTests {
        @Test(arguments: [false, true])
        func `it is told when all is served and when the end begins`(isAbstract: Bool) async throws {
            try await Self.withServer(isAbstract: isAbstract) { server, manager in
                let ready = try await manager.wait(for: "READY=1", from: server.child.pid)
                #expect(try manager.messages(from: server.child.pid).first == ready.first, "nothing else before that")
                #expect(server.log.contains("listening"))
                #expect(try await server.get("/v2/component?limit=1").status == 200)
                server.child.send(SIGTERM)
                let stopping = try await manager.wait(for: "STOPPING=1", from: server.child.pid)
                // 10 s of patience, and what may come after.
                #expect(stopping.first?.contains("EXTEND_TIMEOUT_USEC=20000000") == true, "\(stopping)")
                let all = try manager.messages(from: server.child.pid).flatMap { $0 }
                #expect(!all.contains("WATCHDOG=1"), "nobody has asked for that")
                // A second signal would end it at once.
                #expect(try await server.child.waitForExit(within: .seconds(15)) == .status(0))
            }
        }

        @Test func `it is not told that the host serves when it does not`() async throws {
            try await withTemporaryDirectory { directory in
                let manager = ServiceManager(directory: directory, notify: "\(directory)/notify")
                let file = "\(directory)/loghost.yaml"
                let yaml = """
                    listen: [unix:\(directory)/a.sock, unix:\(directory)/none/b.sock]
                    plugins: [{name: encoders, library: libloghost-encoders.so}]
                    """
                try writeFile(file, Array(yaml.utf8))
                let (exit, output) = try await run(
                    manager.launcher + ["\(Products.directory)/loghost", "serve", "--config", file])
                #expect(exit == .status(78) && output.contains("listening"), "one of two is served: \(output)")
                #expect(try !readFile("\(directory)/record").contains(UInt8(ascii: "Y")), "READY")
            }
        }

        @Test func `signs of life come while the workers work, and no others`() async throws {
            try await withTemporaryDirectory { directory in
                let library = "\(directory)/hold.so"
                let hold = "\(directory)/hold"
                try await ServiceManager.compileHold(to: library)
                try await Self.withServer(
                    options: ["--watchdog", "200000", "env", "LD_PRELOAD=\(library)", "HOLD_FILE=\(hold)"],
                    limits: ["worker_threads": "1"], reader: "libsystemd"
                ) { server, manager in
                    let pid = server.child.pid
                    func count() throws -> Int { try manager.messages(from: pid).count { $0 == ["WATCHDOG=1"] } }
                    _ = try await manager.wait(for: "WATCHDOG=1", from: pid, count: 3)

                    try writeFile(hold, [])
                    async let answer = server.get("/v2/component?limit=1")
                    let deadline = ContinuousClock.now + .seconds(15)
                    while !fileExists("\(hold).held"), ContinuousClock.now < deadline {
                        try await Task.sleep(for: .milliseconds(10))
                    }
                    try #require(fileExists("\(hold).held"))
                    // One that had passed the worker before may be on its way.
                    try await Task.sleep(for: .milliseconds(500))
                    let before = try count()
                    try await Task.sleep(for: .seconds(2))
                    #expect(try count() == before, "the one worker is stuck")
                    #expect(try await server.get("/healthz").status == 200, "and only that")

                    unsafe unlink(hold)
                    #expect(try await answer.status == 200)
                    _ = try await manager.wait(for: "WATCHDOG=1", from: pid, count: before + 3)
                }
            }
        }

        private static func withServer(
            isAbstract: Bool = false, options: [String] = [], limits: [String: String] = [:], reader: String? = nil,
            _ body: (LogHostProcess, ServiceManager) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { directory in
                try await withJournal { journal in
                    try await journal.write([JournalEntry(1)])
                    let name = directory.split(separator: "/").last ?? ""
                    let manager = ServiceManager(
                        directory: directory, notify: isAbstract ? "@\(name)" : "\(directory)/notify", options: options)
                    var configuration = LogHostConfiguration(directory: journal.directory)
                    configuration.launcher = manager.launcher
                    configuration.limits = limits
                    configuration.reader = reader
                    try await withLogHost(configuration) { server in try await body(server, manager) }
                }
            }
        }
    }
}
