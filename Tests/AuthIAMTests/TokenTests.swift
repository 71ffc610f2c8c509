import AuthIAM
import FoundationEssentials
import JWTKit
import PluginKit
import Testing

/// What is a good token, with real signatures.
struct TokenTests {
    static let now = TestIAM.now
    static let header = #"{"typ":"JWT","alg":"RS256"}"#

    @Test func `a good token is who it says until when it says`() async throws {
        let key = try TestKey.first.get()
        let token = try await key.token("alice", exp: Self.now + 60)
        try await TestIAM(keys: [key]).withPlugin { authorizer in
            let decision = try await authorizer.answer(token: token)
            #expect(decision.verdict == .allow)
            #expect(decision.principal == "alice")
            #expect(decision.credential == token)
            #expect(decision.expires == UInt64(Self.now + 60) * 1_000_000)
            #expect(decision.challenge.isEmpty)
        }
    }

    static let headers: [(header: String, reason: String?)] = [
        (#"{"alg":"RS256"}"#, nil),
        (#"{"alg":"RS256","typ":"other"}"#, nil),
        (#"{"alg":"RS256","kid":"unknown"}"#, nil),
        (#"{"alg":"RS256","x":1e300}"#, nil),
        (#"{"alg":"RS256","x":[[{"y":null}]]}"#, nil),
        (#"{"alg":"none"}"#, "algorithm"),
        (#"{"alg":"HS256"}"#, "algorithm"),
        (#"{"alg":"RS512"}"#, "algorithm"),
        (#"{"alg":"PS256"}"#, "algorithm"),
        (#"{"alg":"rs256"}"#, "algorithm"),
        (#"{"alg":["RS256"]}"#, "algorithm"),
        (#"{"alg":256}"#, "algorithm"),
        (#"{"alg":null}"#, "algorithm"),
        (#"{"typ":"JWT"}"#, "algorithm"),
        (#"{"alg":"RS256","crit":["exp"]}"#, "critical"),
        (#"{"alg":"RS256","crit":null}"#, "critical"),
        (#"["RS256"]"#, "malformed"),
        (#""RS256""#, "malformed"),
        ("{", "malformed"),
        ("", "malformed"),
    ]

    @Test(arguments: headers)
    func `the header names RS256 and nothing that must be understood`(header: String, reason: String?) async throws {
        let key = try TestKey.first.get()
        let token = try await key.sign(header: header, claims: #"{"uid":"alice","exp":\#(Self.now + 60)}"#)
        try await Self.expect(token, reason, keys: [key])
    }

    static let claims: [(claims: String, reason: String?)] = [
        (#"{"uid":"alice","exp":\#(now + 1)}"#, nil),
        (#"{"uid":"alice","exp":\#(now).5}"#, nil),
        (#"{"uid":"alice","exp":1e300}"#, nil),
        (#"{"uid":"alice","exp":9223372036854775807}"#, nil),
        (#"{"uid":"alice","exp":99999999999999999999999}"#, nil),
        (#"{"uid":"alice","exp":\#(now)}"#, "expired"),
        (#"{"uid":"alice","exp":\#(now - 1).5}"#, "expired"),
        (#"{"uid":"alice","exp":0}"#, "expired"),
        (#"{"uid":"alice","exp":-1}"#, "expired"),
        (#"{"uid":"alice","exp":-1e300}"#, "expired"),
        (#"{"uid":"alice"}"#, "exp"),
        (#"{"uid":"alice","exp":null}"#, "exp"),
        (#"{"uid":"alice","exp":"\#(now + 60)"}"#, "exp"),
        (#"{"uid":"alice","exp":true}"#, "exp"),
        (#"{"uid":"alice","exp":[1]}"#, "exp"),
        (#"{"exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":"","exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":7,"exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":null,"exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":["alice"],"exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":"alice\n","exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":"al\u0000ice","exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":"al\u0085ice","exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":"al\u202eice","exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":"\#(String(repeating: "a", count: 96))","exp":\#(now + 60)}"#, nil),
        (#"{"uid":"\#(String(repeating: "a", count: 97))","exp":\#(now + 60)}"#, "uid"),
        (#"{"uid":"a-b_c@example.org","exp":\#(now + 60)}"#, nil),
        (#"["alice"]"#, "malformed"),
        ("", "malformed"),
    ]

    @Test(arguments: claims)
    func `the claims name a user and a time to come`(claims: String, reason: String?) async throws {
        let key = try TestKey.first.get()
        try await Self.expect(try await key.sign(claims: claims), reason, keys: [key])
    }

    @Test(arguments: [
        (#"{"uid":"alice"}"#, nil), (#"{"uid":"alice","exp":null}"#, "exp"), (#"{"uid":"alice","exp":1}"#, "expired"),
    ])
    func `a setting accepts tokens that never end`(claims: String, reason: String?) async throws {
        let key = try TestKey.first.get()
        let token = try await key.sign(claims: claims)
        let configuration = #"{"iam":"http://127.0.0.1:8101","mode":"open","require_exp":false}"#
        let decision = try await Self.expect(token, reason, keys: [key], configuration)
        #expect(decision.expires == 0)
    }

    @Test func `a signature is made with one of the keys, with RSA, PKCS 1 and SHA-256, over these very bytes`() async throws {
        let (key, other) = try (TestKey.first.get(), TestKey.second.get())
        let claims = #"{"uid":"alice","exp":\#(Self.now + 60)}"#
        let pem = key.privateKey.publicKey.pemRepresentation
        let good = try await key.sign(claims: claims)
        let parts = good.split(separator: ".").map(String.init)
        let admin = base64URL(Data(#"{"uid":"admin","exp":\#(Self.now + 60)}"#.utf8))
        let pss = try await JWTKeyCollection().add(pss: key.privateKey, digestAlgorithm: .sha256).getKey()
        let forgeries: [(String, String)] = [
            (try await other.sign(claims: claims), "signature"),
            (try await key.sign(claims: claims, digest: .sha512), "signature"),
            (try sealed(Self.header, claims) { try pss.sign($0) }, "signature"),
            (try await signHS256(claims: claims, secret: pem), "algorithm"),
            (try await signHS256(header: Self.header, claims: claims, secret: pem), "signature"),
            (sealed(#"{"typ":"JWT","alg":"none"}"#, claims) { _ in [] }, "algorithm"),
            (sealed(Self.header, claims) { _ in [] }, "signature"),
            (sealed(Self.header, claims) { _ in [UInt8](repeating: 0, count: 256) }, "signature"),
            ("\(parts[0]).\(admin).\(parts[2])", "signature"),
            (String(good.dropLast(4)), "signature"),
            (String(good.prefix(40)), "malformed"),
            ("\(parts[0]).\(parts[1])", "malformed"),
            ("\(good).", "malformed"), (".\(good)", "malformed"), ("\(good)=", "malformed"), ("\(good) ", "malformed"),
            ("..", "malformed"), ("", "malformed"), ("opaque", "malformed"),
            (parts[0] + "+." + parts[1] + "." + parts[2], "malformed"),
        ]
        for (token, reason) in forgeries { try await Self.expect(token, reason, keys: [key]) }
        try await Self.expect(good, nil, keys: [key])
    }

    @Test func `a token has at most 8 KiB`() async throws {
        let key = try TestKey.first.get()
        func token(_ padding: Int) async throws -> String {
            let more = String(repeating: "x", count: padding)
            return try await key.sign(claims: #"{"uid":"alice","exp":\#(Self.now + 60),"more":"\#(more)"}"#)
        }
        var padding = 5700
        while try await token(padding + 1).utf8.count <= 8192 { padding += 1 }
        try await Self.expect(try await token(padding), nil, keys: [key])
        try await Self.expect(try await token(padding + 2), "too long", keys: [key])
    }

    @Test func `a remembered token ends like any other`() async throws {
        let key = try TestKey.first.get()
        let iam = try TestIAM(keys: [key])
        let headers = request([("authorization", "Bearer \(try await key.token(exp: Self.now + 60))")])
        try await iam.withPlugin { (authorizer) async throws in
            #expect(authorizer.decide(headers) == nil)
            #expect(try await authorizer.answer(headers).verdict == .allow)
            #expect(authorizer.decide(headers)?.verdict == .allow)
            iam.advance(59.999)
            #expect(authorizer.decide(headers)?.verdict == .allow)
            iam.advance(0.001)
            #expect(authorizer.decide(headers)?.verdict == .unauthenticated)
            #expect(authorizer.decide(headers)?.reason == "expired")
        }
    }

    @Test func `with a shared secret HS256 counts and RS256 does not`() async throws {
        let key = try TestKey.first.get()
        let secret = String(repeating: "s3cret", count: 8)
        let claims = #"{"uid":"alice","exp":\#(Self.now + 60)}"#
        try await withTemporaryFile(secret + "\n") { file in
            let configuration = #"{"iam":"http://127.0.0.1:8101","mode":"open","hs256_secret_file":"\#(file)"}"#
            try await Self.expect(try await signHS256(claims: claims, secret: secret), nil, keys: [key], configuration)
            try await Self.expect(
                try await signHS256(claims: claims, secret: secret + "!"), "signature", keys: [key], configuration)
            try await Self.expect(
                try await signHS256(header: Self.header, claims: claims, secret: secret), "algorithm", keys: [key], configuration)
            try await Self.expect(try await key.sign(claims: claims), "algorithm", keys: [key], configuration)
            let iam = try TestIAM(keys: [key])
            let bad = try await signHS256(claims: claims, secret: secret + "!")
            try await iam.withPlugin(configuration) { (authorizer) async throws in
                #expect(try await authorizer.answer(token: bad).verdict == .unauthenticated)
            }
            #expect(iam.count("jwks") == 0)
        }
    }

    /// Expects a token to be good, or bad for a reason. The answer for a client is the same for every reason.
    @discardableResult
    static func expect(
        _ token: String, _ reason: String?, keys: [TestKey],
        _ configuration: String = #"{"iam":"http://127.0.0.1:8101","mode":"open"}"#
    ) async throws -> Decision {
        try await TestIAM(keys: keys).withPlugin(configuration) { authorizer in
            let decision = try await authorizer.answer(token: token)
            #expect(decision.verdict == (reason == nil ? .allow : .unauthenticated))
            #expect(decision.reason == reason ?? "authenticated")
            #expect(decision.challenge == (reason == nil ? "" : "oauthjwt"))
            if reason != nil { #expect(decision.principal.isEmpty && decision.credential.isEmpty) }
            return decision
        }
    }
}
