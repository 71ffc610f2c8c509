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

    @Test(
        arguments: [
            ("Bearer opaque", "", Outcome.bad), ("Bearer opaque", "bob", .none), ("Bearer", "bob", .none),
            ("Bearer a.b", "bob", .none), ("Bearer a.b.c", "bob", .bad), ("Bearer BAD", "bob", .bad),
            ("Bearer GOOD", "bob", .good),
            ("token=opaque", "bob", .bad),
        ])
    func `a bearer token of another kind is left to an authorizer that knows it`(
        value: String, principal: String, outcome: Outcome
    ) async throws {
        try await Self.expect(outcome, [("authorization", value)], principal: principal)
    }

    @Test(arguments: cases)
    func `the token is in the Authorization header, else in the cookie`(headers: [String], outcome: Outcome) async throws {
        let fields = headers.map { header -> (name: String, value: String) in
            let parts = header.split(separator: ": ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts[1])
        }
        try await Self.expect(outcome, fields)
    }

    private static func expect(
        _ outcome: Outcome, _ headers: [(name: String, value: String)], principal: String = ""
    ) async throws {
        let key = try TestKey.first.get()
        let good = try await key.token(exp: TestIAM.now + 60)
        let bad = try await TestKey.second.get().token(exp: TestIAM.now + 60)
        var request = request(
            headers.map { ($0.name, $0.value.replacing("GOOD", with: good).replacing("BAD", with: bad)) })
        request.principal = principal
        try await TestIAM(keys: [key]).withPlugin(enterprise) { authorizer in
            let decision = try await authorizer.answer(request)
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
