internal import FoundationEssentials
internal import Testing

extension EndToEndTests {
    /// What happens when the IAM is not there, is slow, changes its keys, or talks nonsense.
    @Suite struct IAMFailureTests {
        @Test func `until the IAM gives keys nobody can decide; then everything is as it should be`() async throws {
            try await withIAM(isUp: false) { site, _ in
                let token = try await site.key.token()
                for token in [token, "garbage"] {
                    let answer = try await site.get(token: token)
                    #expect(answer.status == 503)
                    #expect(answer.head["WWW-Authenticate"] == nil)
                }
                #expect(try await site.get().status == 401)
                try await site.iam.start()
                #expect(try await site.get(token: token, until: 200).status == 200)
                #expect(try await site.get(token: "garbage").status == 401)
                #expect(site.server.log.contains("The IAM answers again."))
            }
        }

        @Test func `a new key of the IAM is known at the first request, and the old one forgotten`() async throws {
            try await withIAM { site, _ in
                let old = try await site.key.token()
                #expect(try await site.get(token: old).status == 200)
                let key = try IAMKey.second.get()
                site.iam.change { $0.keys = IAMServer.keySet([key]) }
                #expect(try await site.get(token: try await key.token()).status == 200)
                #expect(try await site.get(token: old).status == 401)
                let count = site.iam.requests("jwks").count
                for _ in 0..<50 { #expect(try await site.get(token: old).status == 401) }
                #expect(site.iam.requests("jwks").count <= count + 1)
            }
        }

        @Test func `the keys there are stay when the IAM goes away`() async throws {
            try await withIAM { site, _ in
                let (alice, bob) = try await (site.key.token(), site.key.token("bob"))
                #expect(try await site.get(token: alice).status == 200)
                site.iam.change { $0.keys = .closed }
                #expect(try await site.get(token: IAMKey.second.get().token()).status == 401)
                #expect(try await site.get(token: bob).status == 200)
            }
        }

        @Test(
            arguments: [
                IAMServer.Answer.status(500, "{}"), .status(200, "garbage"), .status(200, #"{"allowed": "true"}"#),
                .status(404, ""),
                .status(404, "{}"), .status(302, ""), .closed, .status(200, #"{"allowed": true, "x": "#),
                .status(200, String(repeating: " ", count: 1 << 20) + #"{"allowed": true}"#),
            ])
        func `an answer that is none permits nothing`(answer: IAMServer.Answer) async throws {
            try await withIAM(mode: "enterprise") { site, _ in
                site.iam.change { $0.policy = { _ in answer } }
                let refusal = try await site.get(token: try await site.key.token())
                #expect(refusal.status == 503)
                #expect(refusal.head["WWW-Authenticate"] == nil)
                #expect(try site.audit("alice").first?["result"]?.string == "undecided")
                site.iam.permit("dcos:superuser")
                #expect(try await site.get(token: try await site.key.token(), until: 200).status == 200)
                if case .status(404, "") = answer { #expect(site.server.log.contains("mode: enterprise")) }
            }
        }

        @Test func `a slow IAM is waited for, a silent one not`() async throws {
            try await withIAM(mode: "enterprise") { site, _ in
                site.iam.change { $0.policy = { _ in .late(700, IAMServer.allowed) } }
                let token = try await site.key.token()
                async let first = site.get(token: token)
                async let second = site.get(token: token)
                #expect(try await first.status == 200)
                #expect(try await second.status == 200)
                #expect(site.iam.requests("policyquery").count == 1)
                site.iam.change { $0.policy = { _ in .silence } }
                let answer = try await site.get(token: try await site.key.token("bob"))
                #expect(answer.status == 503)
                #expect(try site.audit("bob").first?["reason"]?.string == "timeout")
            }
        }

        @Test func `a silent IAM does not hold up the end`() async throws {
            // That it ends as told, `withLogHost` sees to.
            try await withIAM { site, _ in
                site.iam.change { $0.keys = .silence }
                async let answer = site.get(token: IAMKey.second.get().token())
                for _ in 0..<200 where site.iam.requests("jwks").count < 2 { try await Task.sleep(for: .milliseconds(20)) }
                #expect(try await answer.status == 401)
            }
        }

        @Test func `a service account asks over TLS`() async throws {
            try await withTemporaryDirectory { directory in
                let (certificate, key) = ("\(directory)/iam.pem", "\(directory)/iam.key")
                let (exit, output) = try await run([
                    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
                ])
                try #require(exit == .status(0), "\(output)")
                let account = "\(directory)/account.pem"
                let accountKey = try IAMKey.second.get()
                try writeFile(account, Array(accountKey.pem.utf8))
                let settings = [
                    "role: agent", "ca_file: \(certificate)",
                    "service_account: {uid: loghost, private_key_file: \(account)}",
                ]
                try await withIAM(mode: "enterprise", settings: settings, certificate: (certificate, key)) { site, _ in
                    let ticket = try await site.key.token("loghost")
                    site.iam.change {
                        $0.login = { _ in .status(200, #"{"token":"\#(ticket)"}"#) }
                        $0.policy = { $0.authorization == "token=\(ticket)" ? IAMServer.allowed : .status(401, "") }
                    }
                    #expect(try await site.get(token: try await site.key.token(), until: 200).status == 200)
                    let login = try JSONValue(try #require(site.iam.requests("login").last).body)
                    #expect(login["uid"]?.string == "loghost")
                    #expect(login["token"]?.string?.split(separator: ".").count == 3)
                    #expect(site.iam.requests("jwks").allSatisfy { $0.authorization == nil })
                }
                // Without the file the certificate is a stranger's.
                let untrusted = Array(settings.dropFirst(2)) + ["role: agent"]
                try await withIAM(mode: "enterprise", settings: untrusted, certificate: (certificate, key)) { site, _ in
                    let token = try await site.key.token()
                    #expect(try await site.get(token: token).status == 503)
                    #expect(site.iam.requests("").isEmpty)
                }
            }
        }

        @Test(
            arguments: [
                ("http://master.example", "mode: open", "iam: plain HTTP"), ("https://m/path", "mode: open", "iam: expected"),
                ("https://m", "mode: closed", "mode: expected open or enterprise"),
                ("https://m", "leeway: 5", "leeway: unknown key"),
            ])
        func `a mistake in the configuration is named`(url: String, line: String, message: String) async throws {
            try await withTemporaryDirectory { directory in
                let file = "\(directory)/loghost.yaml"
                let products = try Products.directory
                let lines = [
                    "listen: [\"unix:\(directory)/socket\"]", "plugin_path: [\"\(products)\"]", "plugins:", "  - name: iam",
                    "    library: libloghost-auth-iam.so", "    config:", "      iam: \(url)", "      \(line)",
                    "authorizers: [iam]",
                ]
                try writeFile(file, Array((lines + [""]).joined(separator: "\n").utf8))
                let (exit, output) = try await run(["\(products)/loghost", "serve", "--config", file])
                #expect(exit != .status(0))
                #expect(output.contains(message), "\(output)")
            }
        }
    }
}
