internal import Glibc
internal import Testing

/// What the clients of a server with TLS need to know: where it is, whom it trusts, and where the files lie.
struct TLSSite: Sendable {
    let directory: String
    let port: UInt16
    let authority: TestAuthority

    /// The file of the authority that signs the server's certificate, and clients' unless a test wants something else.
    var authorityFile: String { "\(self.directory)/authority.pem" }

    func url(_ target: String) -> String { "https://localhost:\(self.port)\(target)" }

    /// Asks with curl. The answer's body, and behind it on a line of its own the version and the status; and what went wrong.
    func curl(_ target: String, _ arguments: [String] = []) async throws -> (exit: ChildProcess.Exit, output: String) {
        try await run(
            ["curl", "-sS", "-N", "--max-time", "15", "--cacert", self.authorityFile, "-w", "\n%{http_version} %{http_code}"]
                + arguments + [self.url(target)])
    }

    /// Makes a handshake with OpenSSL and ends; what was negotiated, or what went wrong.
    func handshake(_ arguments: [String] = []) async throws -> (exit: ChildProcess.Exit, output: String) {
        try await run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(self.port)", "-CAfile", self.authorityFile]
                + arguments)
    }

    /// Connects through OpenSSL, which knows nothing of what is said, and lends the connection to work that blocks.
    func connect<Value: Sendable>(
        _ arguments: [String] = [], within limit: Duration = .seconds(20),
        _ body: @escaping @Sendable (HTTPConnection) throws -> Value
    ) async throws -> Value {
        try await self.tunnel(arguments) { try body(HTTPConnection($0, within: limit)) }
    }

    /// The same for HTTP/2.
    func connectHTTP2<Value: Sendable>(
        window: Int = 1 << 30, within limit: Duration = .seconds(20),
        _ body: @escaping @Sendable (HTTP2Connection) throws -> Value
    ) async throws -> Value {
        try await self.tunnel(["-alpn", "h2"]) { try body(HTTP2Connection($0, window: window, within: limit)) }
    }

    private func tunnel<Value: Sendable>(
        _ arguments: [String], _ body: @escaping @Sendable (Descriptor) throws -> Value
    ) async throws -> Value {
        let (connection, child) = try self.startTunnel(arguments)
        defer { child.kill() }
        return try await blocking { try body(connection) }
    }

    /// The child's end is closed here when this returns: what the server closes is to be seen.
    private func startTunnel(_ arguments: [String]) throws -> (Descriptor, ChildProcess) {
        let (ours, theirs) = try Descriptor.pair()
        let command = ["openssl", "s_client", "-quiet", "-verify_quiet", "-connect", "127.0.0.1:\(self.port)"] + arguments
        return (ours, try ChildProcess(["sh", "-c", "exec \"$@\" 2>/dev/null", "sh"] + command, input: theirs, output: theirs))
    }
}

extension Descriptor {
    /// Makes two connected sockets: one for us, and one to be inherited, whose calls block as programs expect.
    fileprivate static func pair() throws -> (ours: Descriptor, theirs: Descriptor) {
        var ends: [Int32] = [0, 0]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw HarnessError(call: "socketpair")
        }
        let (ours, theirs) = (Descriptor(ends[0]), Descriptor(ends[1]))
        _ = fcntl(theirs.number, F_SETFL, fcntl(theirs.number, F_GETFL) & ~O_NONBLOCK)
        return (ours, theirs)
    }
}

/// Lends a server that serves a journal with TLS; `settings` are added to those of its certificate.
func withTLSServer<Value>(
    settings: [String: String] = [:], limits: [String: String] = [:], more: [String] = [], morePlugins: [String] = [],
    streams: [String: String] = ["keep_alive": "300ms"],
    entries: [JournalEntry] = (1...5).map { JournalEntry($0) }, exit: ChildProcess.Exit? = .status(0),
    _ body: (LogHostProcess, TLSSite, TestJournal) async throws -> Value,
    authority moreSettings: (TLSSite) -> [String: String] = { _ in [:] }
) async throws -> Value {
    try await withTemporaryDirectory { directory in
        let authority = try TestAuthority("Authority")
        let site = TLSSite(directory: directory, port: try ServerAddress.freePort(), authority: authority)
        try writeFile(site.authorityFile, Array(authority.own.certificate.utf8))
        _ = try authority.issue("first", .server).write(to: directory, as: "server")
        return try await withJournal { journal in
            try await journal.write(entries)
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.limits = limits
            configuration.streams = streams
            configuration.more = more
            configuration.morePlugins = morePlugins
            let all = settings.merging(moreSettings(site)) { one, _ in one }
                .merging(["certificate": "\(directory)/server.pem", "key": "\(directory)/server.key"]) { one, _ in one }
            configuration.moreListen =
                ["  - address: tcp://127.0.0.1:\(site.port)", "    tls:"] + all.map { "      \($0.key): \($0.value)" }
            return try await withLogHost(configuration, exit: exit) { server in try await body(server, site, journal) }
        }
    }
}
