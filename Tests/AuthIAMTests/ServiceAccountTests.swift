import AuthIAM
import FoundationEssentials
import JWTKit
import PluginKit
import Testing

/// How a service account is used.
struct ServiceAccountTests {
    private struct Login: Decodable {
        let uid: String
        let token: String
    }

    private struct Claims: JWTPayload {
        let uid: String
        let exp: Double

        func verify(using algorithm: some JWTAlgorithm) {}
    }

    /// Lends a plugin whose IAM wants an account's token for policy queries.
    private func withAccount(_ body: (TestIAM, TestKey, any Authorizer) async throws -> Void) async throws {
        let (key, account) = try (TestKey.first.get(), TestKey.second.get())
        let iam = try TestIAM(keys: [key])
        let token = try await key.token("svc", exp: TestIAM.now + 1000)
        iam.change {
            $0.permissions[PermissionTests.agent] = TestIAM.allowed
            $0.login = .status(200, #"{"token":"\#(token)"}"#)
            $0.accepts = { $0 == "token=\(token)" }
        }
        try await withTemporaryFile(account.pem) { file in
            let settings = #"""
                {"iam":"https://m","mode":"enterprise","role":"agent","service_account":{"uid":"svc","private_key_file":"\#(file)"}}
                """#
            try await iam.withPlugin(settings) { try await body(iam, key, $0) }
        }
    }

    @Test func `it logs in with a signed token of its own, and asks with the IAM's`() async throws {
        try await self.withAccount { iam, key, authorizer in
            #expect(try await authorizer.answer(token: key.token(exp: PermissionTests.exp)).verdict == .allow)
            #expect(iam.count("login") == 1)
            let login = try #require(iam.requests.first { $0.url.contains("login") })
            #expect(login.method == "POST")
            #expect(login.url == "https://m/acs/api/v1/auth/login")
            #expect(login.headers.contains { $0.name == "content-type" && $0.value == "application/json" })
            let body = try JSONDecoder().decode(Login.self, from: Data(login.body))
            let keys = try await JWTKeyCollection().add(
                rsa: TestKey.second.get().privateKey.publicKey, digestAlgorithm: .sha256)
            let claims = try await keys.verify(body.token, as: Claims.self)
            #expect(body.uid == "svc")
            #expect(claims.uid == "svc")
            #expect((1...300).contains(claims.exp - Double(TestIAM.now)))
            for request in iam.requests where !request.url.contains("policyquery") {
                #expect(!request.headers.contains { $0.name == "authorization" })
            }
        }
    }

    @Test func `it renews before its token ends, and nobody waits for that`() async throws {
        try await self.withAccount { iam, key, authorizer in
            func ask() async throws -> Decision.Verdict {
                try await authorizer.answer(token: key.token(exp: PermissionTests.exp)).verdict
            }
            #expect(try await ask() == .allow)
            iam.advance(790)
            #expect(try await ask() == .allow)
            #expect(iam.count("login") == 1)
            iam.advance(20)
            let renewed = try await key.token("svc", exp: TestIAM.now + 2000)
            iam.change { $0.login = .status(200, #"{"token":"\#(renewed)"}"#) }
            #expect(try await ask() == .allow)
            #expect(try await eventually { iam.count("login") == 2 })
            iam.change { $0.accepts = { $0 == "token=\(renewed)" } }
            iam.advance(300)
            #expect(try await ask() == .allow)
            #expect(iam.count("login") == 2)
        }
    }

    @Test func `a token that the IAM no longer takes is renewed once`() async throws {
        try await self.withAccount { iam, key, authorizer in
            #expect(try await authorizer.answer(token: key.token(exp: PermissionTests.exp)).verdict == .allow)
            iam.advance(20)
            let renewed = try await key.token("svc", exp: TestIAM.now + 2000)
            iam.change {
                $0.login = .status(200, #"{"token":"\#(renewed)"}"#)
                $0.accepts = { $0 == "token=\(renewed)" }
            }
            #expect(try await authorizer.answer(token: key.token(exp: PermissionTests.exp)).verdict == .allow)
            #expect(iam.count("login") == 2)
            iam.change { $0.accepts = { _ in false } }
            iam.advance(6)
            for user in 0..<10 {
                let decision = try await authorizer.answer(token: key.token("u\(user)", exp: PermissionTests.exp))
                #expect(decision.verdict == .cannotDecide)
                #expect(decision.reason == "status 401")
            }
            #expect(iam.count("login") == 2)
        }
    }

    @Test(arguments: [TestIAM.Answer.status(401, ""), .status(200, "{}"), .status(200, #"{"token":"a b"}"#), .failure(.upstream)])
    func `without a login nobody can decide, and it is not tried at every request`(answer: TestIAM.Answer) async throws {
        let (key, account) = try (TestKey.first.get(), TestKey.second.get())
        let iam = try TestIAM(keys: [key])
        iam.change { $0.login = answer }
        try await withTemporaryFile(account.pem) { file in
            let account = #"{"uid":"svc","private_key_file":"\#(file)"}"#
            try await iam.withPlugin(#"{"iam":"https://m","mode":"enterprise","service_account":\#(account)}"#) { authorizer in
                for user in 0..<10 {
                    let decision = try await authorizer.answer(token: key.token("u\(user)", exp: PermissionTests.exp))
                    #expect(decision.verdict == .cannotDecide)
                }
                #expect(iam.count("login") == 1)
                #expect(iam.count("policyquery") == 0)
                iam.advance(2)
                _ = try await authorizer.answer(token: key.token(exp: PermissionTests.exp))
                #expect(iam.count("login") == 2)
            }
        }
    }
}
