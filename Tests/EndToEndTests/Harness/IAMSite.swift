internal import Testing

/// LogHost behind an IAM.
struct IAMSite: Sendable {
    let server: LogHostProcess
    let iam: IAMServer
    let key: IAMKey

    /// Asks for the last entry with a token.
    func get(
        _ target: String = "/v1/range/?skip_prev=1", token: String? = nil, headers: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        var headers = headers
        if let token { headers["Authorization"] = "token=\(token)" }
        return try await self.server.get(target, accept: "text/plain", headers: headers)
    }

    /// Asks with a token until the answer has the status, or for so long.
    func get(token: String, until status: Int, within limit: Duration = .seconds(25)) async throws -> HTTPAnswer {
        let deadline = ContinuousClock.now + limit
        while true {
            let answer = try await self.get(token: token)
            if answer.status == status || ContinuousClock.now > deadline { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The audit record of a request, as JSON.
    func audit(_ text: String) throws -> [JSONValue] {
        try self.server.log.split(separator: "\n").filter { $0.contains(#""event":"authorization""#) && $0.contains(text) }
            .map { try JSONValue($0) }
    }
}

/// Lends LogHost with five entries, authorized by an IAM that is up unless a test says otherwise. Whatever happens, no token that was
/// used may be found in what the program has said.
func withIAM(
    mode: String = "open", settings: [String] = [], certificate: (certificate: String, key: String)? = nil,
    isUp: Bool = true, entries: [JournalEntry] = (1...5).map { JournalEntry($0) },
    _ body: (IAMSite, TestJournal) async throws -> Void
) async throws {
    let key = try IAMKey.first.get()
    let iam = try IAMServer(keys: [key], certificate: certificate)
    if isUp { try await iam.start() }
    do {
        try await withJournal { journal in
            try await journal.write(entries)
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.morePlugins = [
                "  - name: iam", "    library: libloghost-auth-iam.so", "    config:", "      iam: \(iam.url)",
                "      mode: \(mode)",
            ]
            configuration.morePlugins += settings.map { "      \($0)" }
            configuration.more = ["authorizers: [iam]"]
            try await withLogHost(configuration) { server in
                try await body(IAMSite(server: server, iam: iam, key: key), journal)
                // All tokens of these tests begin with a header, in base64url, of `{"`.
                #expect(!server.log.contains("eyJ"))
                #expect(!server.log.contains("127.0.0.1:\(iam.port)"))
            }
        }
    } catch {
        try? await iam.stop()
        throw error
    }
    try? await iam.stop()
}
