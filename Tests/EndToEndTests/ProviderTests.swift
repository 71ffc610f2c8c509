internal import Glibc
internal import Testing

extension EndToEndTests {
    /// One host, several providers of identity.
    @Suite struct ProviderTests {
        private static func plugins(_ iam: IAMServer, _ file: String, more: String = "") -> (token: [String], iam: [String]) {
            (
                ["  - name: auth", "    library: libloghost-auth-token.so", "    config: {file: \(file)\(more)}"],
                ["  - name: auth", "    library: libloghost-auth-iam.so", "    config: {iam: \"\(iam.url)\", mode: open}"]
            )
        }

        /// Lends an IAM, a key of its, and a file of principals.
        private static func withProviders(_ body: (IAMServer, IAMKey, _ file: String) async throws -> Void) async throws {
            let key = try IAMKey.first.get()
            let iam = try IAMServer(keys: [key])
            try await iam.start()
            try await withTemporaryDirectory { directory in
                let file = "\(directory)/tokens.yaml"
                try writeFile(file, Array(TestToken.principals.utf8))
                unsafe chmod(file, 0o600)
                try await body(iam, key, file)
            }
            try await iam.stop()
        }

        @Test func `another provider is another line of the configuration`() async throws {
            try await Self.withProviders { iam, key, file in
                let jwt = try await key.token()
                let plugins = Self.plugins(iam, file)
                for (lines, good, bad, challenge) in [
                    (plugins.token, TestToken.alice.text, jwt, #"Bearer realm="loghost""#),
                    (plugins.iam, jwt, TestToken.alice.text, "oauthjwt"),
                ] {
                    try await withJournal { journal in
                        try await journal.write(TokenEntries.first)
                        var configuration = LogHostConfiguration(directory: journal.directory)
                        configuration.morePlugins = lines
                        configuration.more = ["authorizers: [auth]"]
                        try await withLogHost(configuration) { server in
                            #expect(try await server.numbers("/v2/component?skip=-3", token: good) == [18, 19, 20])
                            let refused = try await server.get("/v2/component", token: bad)
                            #expect(refused.status == 401)
                            #expect(refused.head["WWW-Authenticate"] == challenge)
                        }
                    }
                }
            }
        }

        @Test func `two providers serve side by side when the first lets unknown tokens pass`() async throws {
            try await Self.withProviders { iam, key, file in
                let plugins = Self.plugins(iam, file, more: ", unknown_tokens: abstain")
                try await withJournal { journal in
                    try await journal.write(TokenEntries.first)
                    var configuration = LogHostConfiguration(directory: journal.directory)
                    configuration.morePlugins = plugins.token + plugins.iam.map { $0.replacing("name: auth", with: "name: iam") }
                    configuration.more = ["authorizers: [auth, iam]"]
                    try await withLogHost(configuration) { server in
                        let jwt = try await key.token()
                        #expect(try await server.get("/v2/component", token: jwt).status == 200)
                        #expect(try await server.get("/v2/component", token: TestToken.unknown).status == 401)
                        let nobody = try await server.get("/v2/component")
                        #expect(nobody.status == 401)
                        #expect(nobody.head["WWW-Authenticate"] == #"Bearer realm="loghost", oauthjwt"#)
                    }
                }
            }
        }

        /// Everything that is written or answered, with a log of the finest level.
        @Test(arguments: ["token", "iam"]) func `no token is ever said again`(provider: String) async throws {
            try await Self.withProviders { iam, key, file in
                let plugins = Self.plugins(iam, file)
                let expired = try await key.token(lifetime: -5)
                let forged = try await IAMKey.second.get().token()
                let good = try await key.token()
                let tokens = [TestToken.alice.text, TestToken.bob.text, TestToken.unknown, good, expired, forged]
                try await withJournal { journal in
                    try await journal.write(TokenEntries.first)
                    var configuration = LogHostConfiguration(directory: journal.directory)
                    configuration.morePlugins = provider == "iam" ? plugins.iam : plugins.token
                    configuration.more = ["authorizers: [auth]"]
                    configuration.options = ["--log-level", "trace"]
                    var answers = ""
                    var log: () -> String = { "" }
                    try await withLogHost(configuration) { server in
                        log = { server.log }
                        for token in tokens {
                            for headers in [
                                ["Authorization": "Bearer \(token)"], ["Authorization": "token=\(token)"],
                                ["Authorization": token],
                                ["Authorization": "Basic \(token)"], ["Cookie": "dcos-acs-auth-cookie=\(token)"],
                            ] {
                                for target in [
                                    "/v2/component?limit=1", "/v2/component?limit=x", "/v1/fields/STREAM", "/nope",
                                    "/v2/component?cursor=x",
                                ] {
                                    for type in ["text/plain", "application/json", "none/none"] {
                                        let answer = try await server.get(target, accept: type, headers: headers)
                                        answers += answer.text + answer.head.fields.map { "\($0.name): \($0.value)\n" }.joined()
                                    }
                                }
                            }
                            answers += try await server.get("/v2/component?token=\(token)&limit=y").text
                        }
                        iam.change { $0.keys = .closed }
                        answers += try await server.get("/v2/component?limit=1", token: forged).text
                    }
                    let said = log()
                    #expect(said.contains("\"event\":\"authorization\""))
                    for token in tokens {
                        // A JWT's beginning is the same for all; its signature is what counts, and its claims.
                        for part in token.split(separator: ".").suffix(2) {
                            #expect(!said.contains(part), "in the log")
                            #expect(!answers.contains(part), "in an answer")
                        }
                    }
                    #expect(!said.contains(file))
                    #expect(!answers.contains(file))
                }
            }
        }
    }
}
