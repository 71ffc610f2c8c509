internal import Glibc
internal import LogHost
internal import PluginABI
internal import ServiceLifecycle
internal import Testing

@Suite struct RecheckTests {
    private typealias Move = ScriptedAuthorizer.Move

    /// Runs the service over one follow that asks again after a second, and answers what the follow is ended with.
    private static func follow(
        _ grant: (inout Grant) -> Void, then move: Move,
        while condition: @Sendable (ScriptedAuthorizer.Seen) -> Bool = { _ in true }
    ) async throws -> (problem: Problem?, seen: ScriptedAuthorizer.Seen) {
        let authorizer = ScriptedAuthorizer("a", move)
        let rechecks = Rechecks(
            AuthorizerChain([authorizer.handle], limits: LiveLimits(authorization: .milliseconds(100))),
            audit: AuditLog(.lines(LineWriter(descriptor: -1))))
        var first = Grant()
        first.principal = "alice"
        first.recheckAfter = .milliseconds(1)
        grant(&first)
        let signal = FollowSignal()
        rechecks.add(signal, AuthorizationSubject(method: "GET", path: "/", route: "/", plugin: "p"), first)
        async let _: Void = rechecks.run()
        let deadline = ContinuousClock.now + .seconds(20)
        while signal.refusal == nil, condition(authorizer.what), .now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        return (signal.refusal, authorizer.what)
    }

    @Test func `a follow ends when its time is over, and nobody is asked`() async throws {
        let (problem, seen) = try await Self.follow({ $0.expires = 1 }, then: .silence)
        #expect(problem?.status == 401)
        #expect(seen.calls == 0)
    }

    @Test(arguments: [
        Int32(LOGHOST_DENY), Int32(LOGHOST_UNAUTHENTICATED), Int32(LOGHOST_ABSTAIN),
    ]) func `a follow ends when the chain no longer allows it`(verdict: Int32) async throws {
        let (problem, seen) = try await Self.follow({ _ in }, then: .decide(verdict, principal: "alice"))
        #expect(problem?.status == 401)
        #expect(seen.rechecks == 1)
    }

    @Test func `a follow ends when it is allowed to somebody else, or something else`() async throws {
        let other = try await Self.follow({ _ in }, then: .decide(Int32(LOGHOST_ALLOW), principal: "bob"))
        #expect(other.problem?.status == 401)
        let less = Move.decide(Int32(LOGHOST_ALLOW), principal: "alice", filter: ("_UID", "0"))
        #expect(try await Self.follow({ _ in }, then: less).problem?.status == 401)
    }

    @Test(arguments: [Move.fail, .silence, .decide(Int32(LOGHOST_CANNOT_DECIDE))])
    private func `a follow goes on while nobody can say`(move: Move) async throws {
        // Asked three times: it was undecided twice, and went on.
        let (problem, seen) = try await Self.follow({ _ in }, then: move) { $0.calls < 3 }
        #expect(problem == nil)
        #expect(seen.rechecks >= 3)
    }

    @Test func `nobody is forgotten when there are more follows than can be asked about`() async throws {
        let authorizer = ScriptedAuthorizer("a", .silence)
        let rechecks = Rechecks(
            AuthorizerChain([authorizer.handle], limits: LiveLimits(authorization: .milliseconds(50))),
            audit: AuditLog(.lines(LineWriter(descriptor: -1))))
        var grant = Grant()
        grant.recheckAfter = .milliseconds(1)
        let signals = (0..<600).map { _ in FollowSignal() }
        for (number, signal) in signals.enumerated() {
            rechecks.add(signal, AuthorizationSubject(method: "GET", path: "/\(number)", route: "/", plugin: "p"), grant)
        }
        async let _: Void = rechecks.run()
        let deadline = ContinuousClock.now + .seconds(20)
        while authorizer.what.paths.count < signals.count, .now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        #expect(authorizer.what.paths.count == signals.count)
    }

    @Test func `a follow goes on while it is allowed`() async throws {
        let (problem, seen) = try await Self.follow({ _ in }, then: .decide(Int32(LOGHOST_ALLOW), principal: "alice")) {
            $0.calls < 2
        }
        #expect(problem == nil)
        #expect(seen.rechecks >= 2)
    }
}
