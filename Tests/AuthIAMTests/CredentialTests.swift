import AuthIAM
import PluginKit
import Testing

/// Where the token is looked for.
struct CredentialTests {
    enum Outcome: Sendable { case good, bad, none }

    /// `GOOD` and `BAD` stand for tokens.
    static let cases: [([String], Outcome)] = [
        (["authorization: token=GOOD"], .good),
        (["authorization: Token=GOOD"], .good),
        (["authorization: Bearer GOOD"], .good),
        (["authorization: bearer GOOD"], .good),
        (["authorization: BEARER   GOOD"], .good),
        (["cookie: dcos-acs-auth-cookie=GOOD"], .good),
        (["cookie: a=b; dcos-acs-auth-cookie=\"GOOD\"; c=d"], .good),
        (["cookie: a=b", "cookie: dcos-acs-auth-cookie=GOOD"], .good),
        (["cookie: dcos-acs-auth-cookie=GOOD; dcos-acs-auth-cookie=GOOD"], .good),
        (["authorization: token=GOOD", "cookie: dcos-acs-auth-cookie=BAD"], .good),

        (["authorization: token=BAD", "cookie: dcos-acs-auth-cookie=GOOD"], .bad),
        (["authorization: Bearer BAD"], .bad),
        (["authorization: Bearer"], .bad),
        (["authorization: token="], .bad),
        (["authorization: token=token=GOOD"], .bad),
        (["authorization: token= GOOD"], .bad),
        (["authorization: Bearer GOOD, GOOD"], .bad),
        (["authorization: Bearer GOOD", "authorization: Bearer GOOD"], .bad),
        (["authorization: Basic eDp5", "authorization: Bearer GOOD"], .bad),
        (["cookie: dcos-acs-auth-cookie=GOOD; dcos-acs-auth-cookie=BAD"], .bad),
        (["cookie: dcos-acs-auth-cookie=BAD", "cookie: dcos-acs-auth-cookie=GOOD"], .bad),

        ([], .none),
        (["authorization: "], .none),
        (["authorization: Basic eDp5", "cookie: dcos-acs-auth-cookie=GOOD"], .none),
        (["authorization: GOOD"], .none),
        (["authorization: xtoken=GOOD"], .none),
        (["authorization: Basic token=GOOD"], .none),
        (["authorization: BearerGOOD"], .none),
        (["authorization: token GOOD"], .none),
        (["cookie: dcos-acs-auth-cookie="], .none),
        (["cookie: dcos-acs-auth-cookie"], .none),
        (["cookie: DCOS-ACS-AUTH-COOKIE=GOOD"], .none),
        (["cookie: xdcos-acs-auth-cookie=GOOD; a=dcos-acs-auth-cookie=GOOD"], .none),
        (["x-authorization: token=GOOD"], .none),
    ]

    @Test(arguments: cases)
    func `the token is in the Authorization header, else in the cookie`(headers: [String], outcome: Outcome) async throws {
        let key = try TestKey.first.get()
        let good = try await key.token(exp: TestIAM.now + 60)
        let bad = try await TestKey.second.get().token(exp: TestIAM.now + 60)
        let fields = headers.map { header -> (name: String, value: String) in
            let parts = header.split(separator: ": ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts[1].replacing("GOOD", with: good).replacing("BAD", with: bad))
        }
        try await TestIAM(keys: [key]).withPlugin(enterprise) { authorizer in
            let decision = try await authorizer.answer(request(fields))
            switch outcome {
            case .good:
                #expect(decision.verdict == .deny)
                #expect(decision.principal == "alice")
                #expect(decision.challenge.isEmpty)
            case .bad:
                #expect(decision.verdict == .unauthenticated)
                #expect(decision.challenge == "acsjwt")
                #expect(decision.principal.isEmpty)
            case .none:
                #expect(decision.verdict == .abstain)
                #expect(decision.challenge == "acsjwt")
            }
        }
    }
}
