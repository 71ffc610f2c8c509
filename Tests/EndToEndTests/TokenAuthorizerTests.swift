internal import Glibc
internal import Testing

extension EndToEndTests {
    /// The token plugin behind the real server.
    @Suite struct TokenAuthorizerTests {
        @Test func `every request without a good credential gets the same 401`() async throws {
            let fields: [String?] = [
                nil, "Bearer \(TestToken.unknown)", "Bearer", "Bearer a b", "Bearer \(String(repeating: "x", count: 5000))",
                "Bearer \(TestToken.alice.text)x", "Basic \(TestToken.alice.text)", "token=\(TestToken.alice.text)",
                "Negotiate abc",
                TestToken.alice.text, "Bearer \(TestToken.carol.text)",
            ]
            let expired = "  - {name: carol, sha256: \(TestToken.carol.sha256), expires: 2020-01-01T00:00:00Z}\n"
            try await withTokenServer(TestToken.principals + expired) { server, _, _ in
                for target in ["/v2/component", "/v1/range/", "/v1/stream/", "/v1/fields/AGENT_ID", "/v1/range/download"] {
                    var answers: [HTTPAnswer] = []
                    for field in fields {
                        answers.append(try await server.get(target, headers: field.map { ["Authorization": $0] } ?? [:]))
                    }
                    for (field, answer) in zip(fields, answers) {
                        #expect(answer.status == 401, "\(target) \(field ?? "nothing")")
                        #expect(answer.head["WWW-Authenticate"] == #"Bearer realm="loghost""#)
                        #expect(answer.body == answers[0].body)
                        #expect(answer.head.fields.map(\.name) == answers[0].head.fields.map(\.name))
                    }
                }
            }
        }

        @Test func `a token lets in`() async throws {
            try await withTokenServer { server, _, _ in
                for target in ["/v2/component?limit=1", "/v1/range/?limit=1", "/v1/fields/AGENT_ID", "/v1/range/download"] {
                    let answer = try await server.get(target, token: TestToken.alice.text)
                    #expect(answer.status == 200, "\(target)")
                }
                #expect(try await server.numbers("/v1/range/", token: TestToken.alice.text) == Array(1...20))
                #expect(try await server.get("/healthz").status == 200)
                #expect(server.log.contains(#""principal":"alice","reason":"token","authorizer":"token""#))
            }
        }

        @Test(arguments: ["/v1/range/", "/v2/component", "/v2/component/mine.service"])
        func `a principal with units sees those only`(target: String) async throws {
            try await withTokenServer { server, _, _ in
                let odd = (0..<10).map { $0 * 2 + 1 }
                #expect(try await server.numbers(target, token: TestToken.bob.text) == odd)
                let filters = ["filter=_SYSTEMD_UNIT:other.service", "filter=_SYSTEMD_UNIT:mine.service"]
                #expect(try await server.numbers("\(target)?\(filters[0])", token: TestToken.bob.text) == [])
                #expect(try await server.numbers("\(target)?\(filters[1])", token: TestToken.bob.text) == odd)
                // Whichever way a filter for both is understood, it does not widen.
                let both = try await server.numbers("\(target)?\(filters[0])&\(filters[1])", token: TestToken.bob.text)
                #expect(Set(both).isSubset(of: odd))
                #expect(try await server.numbers("\(target)?filter=N:2", token: TestToken.bob.text) == [])
            }
        }

        @Test func `another unit's component is empty, and what cannot be filtered is refused`() async throws {
            try await withTokenServer { server, _, _ in
                #expect(try await server.numbers("/v2/component/other.service", token: TestToken.bob.text) == [])
                let answer = try await server.get("/v1/fields/AGENT_ID", token: TestToken.bob.text)
                #expect(!answer.text.contains("agent-other"))
                #expect([200, 403].contains(answer.status))
            }
        }

        @Test func `a route that is not permitted is 403`() async throws {
            let principals = """
                principals:
                  - {name: alice, sha256: \(TestToken.alice.sha256), routes: ["/v2/component/{name}", "/v1/range/**"]}

                """
            try await withTokenServer(principals) { server, _, _ in
                for (target, status) in [
                    ("/v2/component/mine.service", 200), ("/system/v1/logs/v2/component/mine.service", 200), ("/v1/range/", 200),
                    ("/v1/range/download", 200), ("/v2/component", 403), ("/v1/stream/", 403), ("/v1/fields/AGENT_ID", 403),
                    ("/system/v1/logs/v2/component", 403),
                ] {
                    let answer = try await server.get(target, token: TestToken.alice.text)
                    #expect(answer.status == status, "\(target)")
                }
            }
        }

        @Test func `a name and password let in, and are challenged for`() async throws {
            let carol = "  - {name: carol, hash: '\(TestToken.password.hash)', units: mine.service}\n"
            try await withTokenServer(TestToken.principals + carol) { server, _, _ in
                let right = ["Authorization": "Basic Y2Fyb2w6Y29ycmVjdCBob3JzZQ=="]  // carol:correct horse
                for _ in 1...3 {
                    let answer = try await server.get("/v1/range/?filter=N:1", headers: right)
                    #expect(answer.status == 200)
                    #expect(try await server.get("/v1/range/?filter=N:2", headers: right).status == 204)
                }
                // carol:wrong, nobody:correct horse, alice:correct horse, no base64
                for credential in ["Y2Fyb2w6d3Jvbmc=", "bm9ib2R5OmNvcnJlY3QgaG9yc2U=", "YWxpY2U6Y29ycmVjdCBob3JzZQ==", "!"] {
                    let answer = try await server.get("/v1/range/", headers: ["Authorization": "Basic \(credential)"])
                    #expect(answer.status == 401)
                    #expect(answer.head["WWW-Authenticate"] == #"Bearer realm="loghost", Basic realm="loghost""#)
                }
                #expect(!server.log.contains("Y2Fyb2w6"))
                #expect(!server.log.contains("correct horse"))
            }
        }

        @Test func `the client of a unix socket is known by its user, unless it presents a token`() async throws {
            let principals = TestToken.principals + "  - {name: me, uid: \(geteuid()), units: mine.service}\n"
            try await withTokenServer(principals) { server, _, _ in
                let answer = try await server.get("/v1/range/?filter=N:1")
                #expect(answer.status == 200)
                #expect(try await server.get("/v1/range/?filter=N:2").status == 204)
                #expect(try await server.get("/v1/range/?filter=N:1", over: .tcp).status == 401)
                #expect(try await server.get("/v1/range/?filter=N:1", token: TestToken.unknown).status == 401)
                #expect(try await server.get("/v1/range/?filter=N:2", token: TestToken.alice.text).status == 200)
                #expect(server.log.contains(#""principal":"me","reason":"uid","authorizer":"token""#))
            }
        }

        @Test func `a file that others can read stops the start with one line`() async throws {
            try await withTemporaryDirectory { directory in
                let file = "\(directory)/tokens.yaml"
                try writeFile(file, Array(TestToken.principals.utf8))
                try #require(unsafe chmod(file, 0o644) == 0)
                let yaml = """
                    listen: ["unix:\(directory)/x.sock"]
                    plugins:
                      - {name: journald, library: libloghost-journald.so, config: {directory: \(directory)}}
                      - {name: encoders, library: libloghost-encoders.so}
                      - {name: token, library: libloghost-auth-token.so, config: {file: \(file)}}
                    authorizers: [token]

                    """
                try writeFile("\(directory)/loghost.yaml", Array(yaml.utf8))
                let (exit, output) = try await runLogHost(["serve", "--config", "\(directory)/loghost.yaml"])
                #expect(exit == .status(78))
                let expected = """
                    loghost: plugin token: file: expected a file that only its owner may use (chmod 600), found mode 0644 (\(file))

                    """
                #expect(output.hasSuffix(expected), "\(output)")
                #expect(output.split(separator: "\n").count { $0.hasPrefix("loghost: ") } == 1)
            }
        }

        @Test func `a mistake in the configuration itself is named by line and key`() async throws {
            try await withTemporaryDirectory { directory in
                let yaml = """
                    plugins:
                      - {name: encoders, library: libloghost-encoders.so}
                      - {name: token, library: libloghost-auth-token.so, config: {principals: [{name: a, sha265: x}]}}
                    authorizers: [token]

                    """
                try writeFile("\(directory)/loghost.yaml", Array(yaml.utf8))
                let (exit, output) = try await runLogHost(["serve", "--config", "\(directory)/loghost.yaml"])
                #expect(exit == .status(78))
                #expect(
                    output.hasPrefix(
                        "loghost: plugin token (line 3): config.principals[0]: unknown key \"sha265\"; there are name,"))
            }
        }
    }
}
