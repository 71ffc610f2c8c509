import AuthToken
import PluginKit
import Testing

struct TokenTests {
    @Test func `a token says who it is`() throws {
        let authorizer = try authorizer(Known.principals)
        for (token, name) in [("token-one", "alice"), ("token-two", "bob")] {
            for field in ["Bearer \(token)", "bearer \(token)", "BEARER   \(token)  "] {
                let decision = try #require(authorizer.decide(request(field)))
                #expect(decision.verdict == .allow)
                #expect(decision.principal == name)
                #expect(decision.reason == "token")
                #expect(decision.filter.clauses.isEmpty)
                #expect(decision.expires == 0)
            }
        }
    }

    @Test(arguments: [
        ["Bearer token-three"], ["Bearer token-on"], ["Bearer token-onee"], ["Bearer TOKEN-ONE"], ["Bearer"], ["Bearer "], [""],
        ["Bearer token-one token-one"], ["Bearer \(Known.one)"], ["Bearer \(String(repeating: "x", count: 4097))"],
        ["Bearer token-one", "Bearer token-one"], ["Bearer token-one", "Negotiate x"], ["Bearer token-ön"],
    ])
    func `a bad token is refused, always in the same words`(fields: [String]) throws {
        var request = request()
        request.headers += fields.map { ("authorization", $0) }
        let decision = try #require(try authorizer(Known.principals).decide(request))
        // An empty field presents nothing: nobody's to refuse, and 401 all the same.
        #expect(decision.verdict == (fields == [""] ? .abstain : .unauthenticated))
        #expect(decision.challenge == #"Bearer realm="loghost""#)
        #expect(decision.principal.isEmpty)
    }

    @Test(arguments: [[], ["token=abc"], ["Negotiate abc"], ["Digest username=a"], ["Basic YTpi"], ["Basic !"]])
    func `what is not its own it leaves to others, with a challenge`(fields: [String]) throws {
        var request = request()
        request.headers += fields.map { ("authorization", $0) }
        let decision = try #require(try authorizer(Known.principals).decide(request))
        #expect(decision.verdict == .abstain)
        #expect(decision.challenge == #"Bearer realm="loghost""#)
    }

    @Test func `a token of four kibibytes is looked at`() throws {
        let token = String(repeating: "x", count: 4096)
        let hash = "e2f0a8d7e6bd2b1d2a1a7a5a6c3c79bd1f1b1ee7d6f2b8e7dbe5d5d3a3e0d2c1"
        #expect(
            try authorizer("principals: [{name: a, sha256: \(hash)}]").decide(request("Bearer \(token)"))?.reason
                == "unknown token")
        #expect(try authorizer(Known.principals).decide(request("Bearer \(token)x"))?.reason == "malformed token")
    }

    @Test func `two tokens are good during a rotation`() throws {
        let both = try authorizer("principals: [{name: alice, sha256: [\(Known.one), \(Known.two)]}]")
        #expect(both.decide(request("Bearer token-one"))?.principal == "alice")
        #expect(both.decide(request("Bearer token-two"))?.principal == "alice")
        #expect(both.decide(request("Bearer token-three"))?.verdict == .unauthenticated)
        let new = try authorizer("principals: [{name: alice, sha256: \(Known.two.uppercased())}]")
        #expect(new.decide(request("Bearer token-one"))?.verdict == .unauthenticated)
        #expect(new.decide(request("Bearer token-two"))?.principal == "alice")
    }

    @Test func `a principal ends at its time`() throws {
        let yaml = "principals: [{name: alice, sha256: \(Known.one), uid: 5, expires: 2026-01-01T00:00:00Z}]"
        let before = try #require(try authorizer(yaml, now: newYear - 1).decide(request("Bearer token-one")))
        #expect(before.verdict == .allow)
        #expect(before.expires == newYear)
        let after = try #require(try authorizer(yaml, now: newYear).decide(request("Bearer token-one")))
        #expect(after.verdict == .unauthenticated)
        #expect(after.reason == "expired")
        #expect(after.principal.isEmpty)
        #expect(!after.challenge.isEmpty)
        var peer = request()
        peer.peer.unix = Peer.UnixCredentials(uid: 5, gid: 5, pid: 1)
        #expect(try authorizer(yaml, now: newYear).decide(peer)?.verdict == .unauthenticated)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59Z", 951_868_799), ("2026-11-22T12:34:56Z", 1_795_350_896),
        ("2100-03-01T00:00:00Z", 4_107_542_400), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ])
    func `times are counted from the epoch`(text: String, seconds: UInt64) throws {
        let yaml = "principals: [{name: alice, sha256: \(Known.one), expires: \(text)}]"
        let decision = try authorizer(yaml, now: 0).decide(request("Bearer token-one"))
        // At the epoch itself it has expired already.
        #expect(decision?.expires == seconds * 1_000_000)
        #expect(decision?.verdict == (seconds == 0 ? .unauthenticated : .allow))
    }

    @Test func `before another authorizer unknown tokens can be left to that one`() throws {
        let mixed = try authorizer(Known.principals, unknownTokens: .abstain)
        #expect(mixed.decide(request("Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln"))?.verdict == .abstain)
        #expect(mixed.decide(request("Bearer \(String(repeating: "x", count: 5000))"))?.verdict == .abstain)
        #expect(mixed.decide(request("Bearer token-one"))?.principal == "alice")
        #expect(mixed.decide(request("Bearer token-one", "Bearer x"))?.verdict == .unauthenticated)
    }

    @Test func `digests are compared as a whole`() throws {
        let digest = try #require(Digest(hexadecimal: Known.one))
        #expect(digest.isEqual(to: Digest(of: "token-one")))
        for position in 0..<64 {
            var digits = Array(Known.one)
            digits[position] = digits[position] == "0" ? "1" : "0"
            #expect(try !#require(Digest(hexadecimal: String(digits))).isEqual(to: digest), "\(position)")
        }
    }

    @Test func `keys of several texts tell where one ends`() {
        #expect(Digest.Keyed("ab", "c") != Digest.Keyed("a", "bc"))
        #expect(Digest.Keyed("ab", "c") == Digest.Keyed("ab", "c"))
    }
}
