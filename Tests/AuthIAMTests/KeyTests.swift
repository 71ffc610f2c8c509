import AuthIAM
import Glibc
import PluginKit
import Synchronization
import Testing

/// How the keys come, change and stay.
struct KeyTests {
    static let exp = TestIAM.now + 86_400

    @Test(
        arguments: [
            (#""alg":"RS256","use":"sig""#, "RSA", true), ("", "RSA", true), (#""alg":"RS256""#, "RSA", true),
            (#""use":null,"x5c":[1]"#, "RSA", true),
            (#""alg":"RS512","use":"sig""#, "RSA", false), (#""alg":"HS256""#, "RSA", false), (#""alg":256"#, "RSA", false),
            (#""use":"enc""#, "RSA", false), ("", "oct", false), ("", "EC", false),
        ])
    func `a key is for RSA signatures or of no use`(more: String, kty: String, isOfUse: Bool) async throws {
        let (key, other) = try (TestKey.first.get(), TestKey.second.get())
        let iam = try TestIAM()
        let set = try #"{"keys":[\#(key.json(more, kty: kty)),\#(other.json()),7,{"kty":"RSA","n":"AA","e":""}]}"#
        iam.change { $0.keys = .status(200, set) }
        try await iam.withPlugin { authorizer in
            let decision = try await authorizer.answer(token: key.token(exp: Self.exp))
            #expect(decision.verdict == (isOfUse ? .allow : .unauthenticated))
            #expect(try await authorizer.answer(token: other.token(exp: Self.exp)).verdict == .allow)
        }
    }

    static let uselessAnswers: [TestIAM.Answer] = [
        .failure(.upstream), .failure(.timeout), .failure(.limit), .failure(.unavailable), .status(500, "{}"), .status(404, ""),
        .status(302, ""), .status(204, ""), .status(200, ""), .status(200, "garbage"), .status(200, "[]"), .status(200, "{}"),
        .status(200, #"{"keys":[]}"#), .status(200, #"{"keys":{}}"#), .status(200, #"{"keys":[{"kty":"oct","k":"AA"}]}"#),
        // 1,024 bits.
        .status(200, #"{"keys":[{"kty":"RSA","e":"AQAB","n":"\#(String(repeating: "w", count: 170))8"}]}"#),
    ]

    @Test(arguments: uselessAnswers)
    func `without keys nothing about a token can be said, and trying goes on`(answer: TestIAM.Answer) async throws {
        let key = try TestKey.first.get()
        let iam = try TestIAM()
        iam.change { $0.keys = answer }
        try await iam.withPlugin(enterprise) { authorizer in
            let good = try await key.token(exp: Self.exp)
            for token in [good, "garbage", "", String(repeating: "x", count: 9000)] {
                let decision = try await authorizer.answer(token: token)
                #expect(decision.verdict == .cannotDecide)
                #expect(decision.reason == "no keys")
                #expect(decision.challenge.isEmpty)
            }
            let twice = request([("authorization", "Bearer x"), ("authorization", "Bearer y")])
            #expect(try await authorizer.answer(twice).verdict == .cannotDecide)
            #expect(try await authorizer.answer(request([])).verdict == .abstain)
            try iam.publish([key])
            var verdict = Decision.Verdict.cannotDecide
            for _ in 0..<5000 where verdict == .cannotDecide {
                verdict = try await authorizer.answer(token: good).verdict
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(verdict == .deny)
        }
        #expect(iam.log.count == 2)
        #expect(iam.log.first?.hasPrefix("warning ") == true)
        #expect(iam.log.last == "notice The IAM answers again. subject=key set")
    }

    @Test func `the first request waits for the keys that are on their way`() async throws {
        let key = try TestKey.first.get()
        let iam = try TestIAM(keys: [key])
        iam.change { $0.isHolding = true }
        try await iam.withPlugin { authorizer in
            let token = try await key.token(exp: Self.exp)
            async let decision = authorizer.answer(token: token)
            #expect(try await eventually { iam.count("jwks") == 1 })
            iam.change { $0.isHolding = false }
            #expect(try await decision.verdict == .allow)
        }
    }

    @Test func `two keys verify, whichever a token was signed with`() async throws {
        let keys = try [TestKey.first.get(), TestKey.second.get()]
        try await TestIAM(keys: keys).withPlugin { (authorizer) async throws in
            for key in keys { #expect(try await authorizer.answer(token: key.token(exp: Self.exp)).verdict == .allow) }
        }
    }

    @Test func `a new key counts from the first request on, and the old one no longer`() async throws {
        let (old, new) = try (TestKey.first.get(), TestKey.second.get())
        let iam = try TestIAM(keys: [old])
        try await iam.withPlugin { authorizer in
            let (before, after) = try await (old.token(exp: Self.exp), new.token(exp: Self.exp))
            #expect(try await authorizer.answer(token: before).verdict == .allow)
            try iam.publish([new])
            #expect(try await authorizer.answer(token: before).verdict == .allow)
            #expect(try await authorizer.answer(token: after).verdict == .allow)
            #expect(iam.count("jwks") == 2)
            #expect(try await authorizer.answer(token: before).verdict == .unauthenticated)
        }
    }

    @Test func `a remembered token is forgotten with its key, whatever made the keys be fetched`() async throws {
        let (old, new, other) = try (TestKey.first.get(), TestKey.second.get(), TestKey.third.get())
        let iam = try TestIAM(keys: [old])
        try await iam.withPlugin { authorizer in
            let (before, bad) = try await (old.token(exp: Self.exp), other.token(exp: Self.exp))
            #expect(try await authorizer.answer(token: before).verdict == .allow)
            try iam.publish([new])
            #expect(try await authorizer.answer(token: bad).verdict == .unauthenticated)
            #expect(iam.count("jwks") == 2)
            #expect(try await authorizer.answer(token: before).verdict == .unauthenticated)
        }
    }

    @Test func `bad tokens make the IAM be asked once in ten seconds`() async throws {
        let (key, other) = try (TestKey.first.get(), TestKey.second.get())
        let iam = try TestIAM(keys: [key])
        try await iam.withPlugin { authorizer in
            let bad = try await other.token(exp: Self.exp)
            for round in 1...3 {
                try await withThrowingTaskGroup(of: Decision.Verdict.self) { group in
                    for _ in 0..<50 { group.addTask { try await authorizer.answer(token: bad).verdict } }
                    for try await verdict in group { #expect(verdict == .unauthenticated) }
                }
                iam.advance(9.999)
                #expect(try await authorizer.answer(token: bad).verdict == .unauthenticated)
                #expect(iam.count("jwks") == 1 + round)
                iam.advance(0.001)
            }
        }
    }

    @Test(arguments: uselessAnswers)
    func `good keys stay when the IAM has nothing better`(answer: TestIAM.Answer) async throws {
        let (key, other) = try (TestKey.first.get(), TestKey.second.get())
        let iam = try TestIAM(keys: [key])
        try await iam.withPlugin { (authorizer) async throws in
            #expect(try await authorizer.answer(token: key.token("a", exp: Self.exp)).verdict == .allow)
            iam.change { $0.keys = answer }
            #expect(try await authorizer.answer(token: other.token(exp: Self.exp)).verdict == .unauthenticated)
            #expect(iam.count("jwks") == 2)
            #expect(try await authorizer.answer(token: key.token("b", exp: Self.exp)).verdict == .allow)
        }
    }

    @Test func `a stop ends what is under way and waits for it`() async throws {
        let iam = try TestIAM(keys: [TestKey.first.get()])
        let ended = Atomic(0)
        var environment = iam.environment
        let fetch = environment.fetch
        environment.fetch = { request in
            defer {
                usleep(100_000)
                ended.add(1, ordering: .relaxed)
            }
            return try await fetch(request)
        }
        iam.change { $0.isHolding = true }
        let plugin = IAMPlugin(configuration: try configuration(enterprise), environment: environment)
        try plugin.start()
        #expect(try await eventually { iam.count("jwks") == 1 })
        await stopped(plugin)
        #expect(ended.load(ordering: .relaxed) == 1)
        #expect(iam.log.isEmpty)
    }

    @Test func `an open mode with an Enterprise IAM is loud`() async throws {
        let key = try TestKey.first.get()
        let iam = try TestIAM(keys: [key])
        try await iam.withPlugin { (_) async throws in
            #expect(try await eventually { iam.log.contains { $0.hasPrefix("error ") && $0.contains("mode: open") } })
        }
        let open = try TestIAM(keys: [key])
        open.change { $0.permissions["dcos:superuser"] = .status(404, "") }
        try await open.withPlugin { (_) async throws in #expect(try await eventually { open.count("policyquery") == 1 }) }
        #expect(open.log.isEmpty)
    }
}
