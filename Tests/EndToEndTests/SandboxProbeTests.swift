import Testing

/// The probe: whoever Mesos lets look into a sandbox may read it, with the token that was verified before.
@Suite struct SandboxProbeTests {
    /// Two users' tokens.
    private struct Users: Sendable {
        var alice: String
        var bob: String

        /// What Mesos is told of them: alice may look at everything, bob at nothing.
        var auth: String {
            #"{"auth": {"realm": "mesos", "tokens": {"\#(self.alice)": {}, "\#(self.bob)": {"deny": ["/"]}}}}"#
        }
    }

    /// Lends a server whose users an IAM knows, and that asks Mesos about each of them.
    private static func withProbe(_ body: (LogHostProcess, Sandboxes, Users) async throws -> Void) async throws {
        let key = try IAMKey.first.get()
        let users = Users(alice: try await key.token(), bob: try await key.token("bob"))
        let iam = try IAMServer(keys: [key])
        try await iam.start()
        try await withSandboxes { sandboxes in
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.morePlugins = [
                    "  - name: iam", "    library: libloghost-auth-iam.so", "    config: {iam: \"\(iam.url)\", mode: open}",
                    "  - name: sandbox", "    library: libloghost-mesos-sandbox.so", "    credential: true",
                    "    config: {role: agent, agent: \"127.0.0.1:\(sandboxes.ports.agent)\", timeout: 500ms}",
                ]
                configuration.more = ["authorizers: [iam, sandbox]"]
                try await journal.write([JournalEntry(1)])
                try sandboxes.write("one\n", to: "stdout")
                try await withLogHost(configuration) { server in
                    try await body(server, sandboxes, users)
                    #expect(!server.log.contains("eyJ"))
                }
            }
        }
        try await iam.stop()
    }

    @Test func `Mesos decides about sandboxes and nothing else`() async throws {
        try await Self.withProbe { server, sandboxes, users in
            try await sandboxes.set(users.auth)
            let path = "\(Sandboxes.base)/stdout"
            #expect(try await server.get(path, token: users.alice).text == "one\n")
            #expect(try await server.get(path, token: users.bob).status == 403)
            #expect(try await server.get(path).status == 401)
            // However it came.
            let plain = try await server.get(path, headers: ["Authorization": "token=\(users.alice)"])
            #expect(plain.text == "one\n")
            #expect(try await server.get("\(path)/download", token: users.bob).status == 403)
            #expect(try await server.get("\(Sandboxes.base)/files/browse", token: users.bob).status == 403)
            // Not a sandbox: the authorizer before it is enough.
            #expect(try await server.get("/v2/component", token: users.bob).status == 200)
        }
    }

    @Test(arguments: [("401", 403), ("403", 403), ("404", 403), ("500", 503), (#""garbage-body""#, 503), (#""hang""#, 503)])
    func `only a clear word counts`(failure: String, status: Int) async throws {
        try await Self.withProbe { server, sandboxes, users in
            try await sandboxes.set(#"{"fail": [{"match": "/files/browse", "status": \#(failure)}]}"#)
            let answer = try await server.get("\(Sandboxes.base)/stdout", token: users.alice)
            #expect(answer.status == status)
            #expect(!answer.text.contains("one"))
        }
    }

    @Test func `a word counts for a while, for whom it was about and no other sandbox`() async throws {
        try await Self.withProbe { server, sandboxes, users in
            try await sandboxes.set(users.auth)
            /// How often Mesos was asked about a sandbox with somebody's token.
            func asked(_ run: String, _ token: String) async throws -> Int {
                guard case .array(let requests) = try await sandboxes.stats(requests: 1_000)["requests"] else { return -1 }
                return requests.count { request in
                    guard request["target"]?.string?.hasPrefix("/files/browse") == true,
                        request["target"]?.string?.hasSuffix(run) == true, case .array(let headers) = request["headers"]
                    else { return false }
                    return headers.contains { header in
                        guard case .array(let parts) = header else { return false }
                        return parts.last?.string?.hasSuffix(token) == true
                    }
                }
            }
            // What does not list the directory for itself.
            let path = "\(Sandboxes.base)/none/such/file"
            for _ in 0..<5 { #expect(try await server.get(path, token: users.alice).status == 404) }
            #expect(try await asked("runs%2FC1", users.alice) + asked("runs/C1", users.alice) == 1)
            #expect(try await server.get(path, token: users.bob).status == 403)
            #expect(try await server.get(path, token: users.bob).status == 403)
            #expect(try await asked("runs%2FC1", users.bob) + asked("runs/C1", users.bob) == 1)
            _ = try await server.get("/v2/task/frameworks/F1/executors/E1/runs/C2/none/such/file", token: users.alice)
            #expect(try await asked("runs%2FC2", users.alice) + asked("runs/C2", users.alice) >= 1)
            // Longer than any word counts.
            try await Task.sleep(for: .seconds(8))
            #expect(try await server.get(path, token: users.alice).status == 404)
            #expect(try await asked("runs%2FC1", users.alice) + asked("runs/C1", users.alice) == 2)
        }
    }

    @Test func `who loses the right is dropped, and nobody else`() async throws {
        try await Self.withProbe { server, sandboxes, users in
            let stream = "\(Sandboxes.base)/stdout?cursor=END"
            func request(_ token: String) -> HTTPRequest {
                HTTPRequest(stream, accept: "text/event-stream", headers: ["Authorization": "Bearer \(token)"])
            }
            let both = (1...2).map { _ in AsyncStream.makeStream(of: Void.self) }
            let hasRead = AsyncStream.makeStream(of: Void.self)
            async let alice = server.open(request(users.alice), within: .seconds(60)) { head, connection in
                both[0].continuation.yield()
                return try connection.readEvents(entries: 2).compactMap { $0.json?["fields"]?["MESSAGE"]?.string }
            }
            async let bob = server.open(request(users.bob), within: .seconds(60)) { head, connection in
                both[1].continuation.yield()
                var said: [String] = []
                do {
                    while let event = try connection.readEvent() {
                        if let word = event.name ?? event.json?["fields"]?["MESSAGE"]?.string {
                            said.append(word)
                            hasRead.continuation.yield()
                        }
                    }
                } catch is HarnessError {
                    // It does not look like a proper end.
                }
                // Also when it has read nothing.
                hasRead.continuation.finish()
                return said
            }
            for each in both { for await _ in each.stream { break } }
            try sandboxes.append("two\n", to: "stdout")
            for await _ in hasRead.stream { break }
            try await sandboxes.set(users.auth)
            // Until he has been asked about again.
            #expect(try await bob == ["two", "fault"])
            try sandboxes.append("three\n", to: "stdout")
            #expect(try await alice == ["two", "three"])
        }
    }
}
