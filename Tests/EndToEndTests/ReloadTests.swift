internal import Dispatch
internal import Glibc
internal import Testing

extension EndToEndTests {
    /// What signals change in a running server.
    @Suite struct ReloadTests {
        private static let again = "the configuration has been read again"
        private static let refused = "the configuration is not good: the earlier one stays in force"

        @Test func `SIGHUP takes new limits into use, for connections that are open too`() async throws {
            try await Self.withServer(limits: ["filters": "1", "uri": "4KiB", "ranges": "7"]) { server in
                let two = HTTPRequest("/v2/component?limit=1&filter=PRIORITY:1&filter=PRIORITY:2")
                let (before, after) = try await server.connect { connection in
                    let before = try connection.exchange(two).status
                    try server.configure("filters: 1", "filters: 2")
                    server.child.send(SIGHUP)
                    let deadline = ContinuousClock.now + .seconds(15)
                    while !server.log.contains(Self.again), ContinuousClock.now < deadline {}
                    return (before, try connection.exchange(two).status)
                }
                #expect(before == 400 && after == 204)
                #expect(!server.log.contains("needs a new process"))
            }
        }

        @Test func `of how many answers may be under way the new number counts`() async throws {
            try await Self.withServer(limits: ["followers": "1"]) { server in
                let follow = HTTPRequest("/v2/component?cursor=END", accept: "text/event-stream")
                let statuses = try await server.open(follow) { first, _ in
                    let address = ServerAddress.unix(path: server.socket)
                    let before = try HTTPConnection(address).exchange(follow).status
                    try server.configure("followers: 1", "followers: 2")
                    server.child.send(SIGHUP)
                    let deadline = ContinuousClock.now + .seconds(15)
                    while !server.log.contains(Self.again), ContinuousClock.now < deadline {}
                    let second = try HTTPConnection(address)
                    try second.send(follow)
                    return [first.status, before, try second.readHead().status]
                }
                #expect(statuses == [200, 503, 200])
            }
        }

        @Test func `a mistake changes nothing and is said without a path`() async throws {
            try await Self.withServer(limits: ["filters": "1", "uri": "4KiB"]) { server in
                try server.configure("filters: 1\n  uri: 4KiB", "filters: 2\n  uri: big")
                server.child.send(SIGHUP)
                try await server.wait(for: Self.refused)
                #expect(server.log.contains("configuration:"))
                #expect(server.log.contains("limits.uri: expected a size such as 64MB"))
                #expect(!server.log.contains(server.configurationFile))
                let two = "/v2/component?limit=1&filter=PRIORITY:1&filter=PRIORITY:2"
                #expect(try await server.get(two).status == 400)

                unsafe unlink(server.configurationFile)
                server.child.send(SIGHUP)
                try await server.wait(for: Self.refused, count: 2)
                #expect(try await server.get("/v2/component?limit=1").status == 200)
            }
        }

        @Test func `what needs a new process is named, and the rest is taken`() async throws {
            try await Self.withServer(limits: ["filters": "1", "worker_threads": "2"]) { server in
                try server.configure("filters: 1", "filters: 2")
                try server.configure("worker_threads: 2", "catch_ups: 3")
                try server.configure("plugins:\n", "authorizers: []\ninsecure: true\nplugins:\n  # A comment moves lines.\n")
                try server.configure("keep_alive: 300ms", "keep_alive: 400ms")
                try server.configure("listen:\n", "listen:\n  - tcp://127.0.0.1:0\n")
                server.child.send(SIGHUP)
                try await server.wait(for: "key=streams")
                let keys = server.log.split(separator: "\n").filter { $0.contains("needs a new process") }
                    .compactMap { $0.split(separator: " ").first { $0.hasPrefix("key=") } }
                #expect(
                    keys == ["key=listen", "key=insecure", "key=limits.catch_ups", "key=limits.worker_threads", "key=streams"])
                let two = "/v2/component?limit=1&filter=PRIORITY:1&filter=PRIORITY:2"
                #expect(try await server.get(two).status == 204)
            }
        }

        @Test func `SIGHUP takes a new certificate at once, and one that another setting names`() async throws {
            try await withTLSServer { server, site, _ in
                func subject() async throws -> String? {
                    let line = try await site.handshake().output.split(separator: "\n").first { $0.hasPrefix("subject=") }
                    return line?.split(separator: " ").last.map(String.init)
                }
                _ = try site.authority.issue("second", .server).write(to: site.directory, as: "server")
                server.child.send(SIGHUP)
                try await server.wait(for: Self.again)
                #expect(try await subject() == "second")

                _ = try site.authority.issue("third", .server).write(to: site.directory, as: "other")
                try server.configure("\(site.directory)/server.pem", "\(site.directory)/other.pem")
                server.child.send(SIGHUP)
                try await server.wait(for: Self.refused)
                #expect(server.log.contains("listen[1].tls.key: expected the key of the certificate"))
                #expect(!server.log.contains("other.pem"), "the log names no path")
                #expect(try await subject() == "second")

                try server.configure("\(site.directory)/server.key", "\(site.directory)/other.key")
                server.child.send(SIGHUP)
                try await server.wait(for: Self.again, count: 2)
                #expect(try await subject() == "third")
                #expect(!server.log.contains("needs a new process"))

                // The files that are looked at from now on are the new ones.
                _ = try site.authority.issue("fourth", .server).write(to: site.directory, as: "other")
                try await server.wait(for: "TLS files have changed and are in use")
                #expect(try await subject() == "fourth")
            }
        }

        @Test func `a service manager is told when reading again begins and ends`() async throws {
            try await withTemporaryDirectory { directory in
                let manager = ServiceManager(directory: directory, notify: "\(directory)/notify")
                try await Self.withServer(launcher: manager.launcher) { server in
                    let pid = server.child.pid
                    _ = try await manager.wait(for: "READY=1", from: pid)
                    server.child.send(SIGHUP)
                    _ = try await manager.wait(for: "READY=1", from: pid, count: 2)
                    let messages = try manager.messages(from: pid)
                    try #require(messages.count == 3)
                    #expect(messages[1].first == "RELOADING=1")
                    let now = Int(DispatchTime.now().uptimeNanoseconds / 1_000_000_000)
                    let microseconds = messages[1].last?.split(separator: "=").last.flatMap { Int($0) } ?? 0
                    #expect(messages[1].last?.hasPrefix("MONOTONIC_USEC=") == true)
                    #expect((now - 60...now).contains(microseconds / 1_000_000), "this machine's monotonic clock")
                }
            }
        }

        @Test func `the log level comes from the file, and SIGUSR1 and SIGUSR2 move it`() async throws {
            try await Self.withServer(more: ["log_level: error"]) { server in
                #expect(!server.log.contains("listening"), "that is a notice")
                for (signal, line) in [
                    (SIGUSR1, "level=warning"), (SIGUSR1, "level=notice"), (SIGUSR1, "level=info"), (SIGUSR1, "level=debug"),
                    (SIGUSR2, "level=info"),
                ] {
                    let count = server.log.ranges(of: line).count
                    server.child.send(signal)
                    try await server.wait(for: line, count: count + 1)
                }
                // Loggers that were there already have it too.
                try server.configure("log_level: error", "log_level: notice")
                server.child.send(SIGHUP)
                try await server.wait(for: Self.again)
                try server.configure("log_level: notice", "log_level: warning")
                // By this it can be seen that the file was read: nothing orders signals of two kinds.
                try server.configure("keep_alive: 300ms", "keep_alive: 400ms")
                server.child.send(SIGHUP)
                try await server.wait(for: "a changed setting needs a new process")
                server.child.send(SIGUSR2)
                try await server.wait(for: "level=error")
                #expect(server.log.ranges(of: Self.again).count == 1, "a notice is not logged at warning")
            }
        }

        @Test func `--log-level is above the file's`() async throws {
            try await Self.withServer(more: ["log_level: error"], options: ["--log-level", "notice"]) { server in
                #expect(server.log.contains("listening"))
                server.child.send(SIGHUP)
                try await server.wait(for: Self.again)
            }
        }

        private static func withServer(
            limits: [String: String] = [:], more: [String] = [], options: [String] = [], launcher: [String] = [],
            _ body: (LogHostProcess) async throws -> Void
        ) async throws {
            try await withJournal { journal in
                try await journal.write([JournalEntry(1)])
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.limits = limits
                configuration.more = more
                configuration.options = options
                configuration.launcher = launcher
                try await withLogHost(configuration, body)
            }
        }
    }
}
