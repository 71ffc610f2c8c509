import LogHost
import PluginABI
import Testing

@Suite struct AuthorizerChainTests {
    private typealias Move = ScriptedAuthorizer.Move

    private static let allow = Move.decide(Int32(LOGHOST_ALLOW), principal: "alice")
    private static let deny = Move.decide(Int32(LOGHOST_DENY), principal: "alice")
    private static let bad = Move.decide(Int32(LOGHOST_UNAUTHENTICATED), challenge: "Bad")
    private static let abstain = Move.decide(Int32(LOGHOST_ABSTAIN), challenge: "Ask")
    private static let knows = Move.decide(Int32(LOGHOST_ABSTAIN), principal: "alice")
    private static let undecided = Move.decide(Int32(LOGHOST_CANNOT_DECIDE))
    private static let unknown = Move.decide(99)

    private static func decide(
        _ moves: [Move], canBeFiltered: Bool = true, limit: Duration = .seconds(20)
    ) async throws -> (Ruling, [ScriptedAuthorizer.Seen]) {
        let authorizers = moves.enumerated().map { ScriptedAuthorizer("a\($0.offset)", $0.element) }
        let chain = AuthorizerChain(authorizers.map { $0.handle }, limits: LiveLimits(authorization: limit))
        let subject = AuthorizationSubject(
            method: "GET", path: "/x", route: "/{name}", plugin: "p", canBeFiltered: canBeFiltered)
        let ruling = try await chain.decide(subject)
        return (ruling, authorizers.map(\.what))
    }

    /// The status of an answer, 200 when it is allowed.
    private static func status(_ ruling: Ruling) -> Int {
        do {
            _ = try ruling.grant()
            return 200
        } catch {
            return error.status
        }
    }

    private static let cases: [(moves: [Move], status: Int, asked: Int)] = [
        ([allow], 200, 1), ([deny], 403, 1), ([bad], 401, 1), ([abstain], 401, 1), ([knows], 403, 1), ([undecided], 503, 1),
        ([unknown], 503, 1), ([.fail], 503, 1),
        ([allow, allow], 200, 2), ([allow, abstain], 200, 2), ([abstain, allow], 200, 2),
        ([allow, deny], 403, 2), ([allow, bad], 401, 2), ([allow, undecided], 503, 2), ([allow, .fail], 503, 2),
        ([deny, allow], 403, 1), ([bad, allow], 401, 1), ([undecided, allow], 503, 1), ([.fail, allow], 503, 1),
        ([abstain, abstain], 401, 2), ([knows, abstain], 403, 2), ([knows, allow], 200, 2), ([knows, bad], 401, 2),
    ]

    @Test(arguments: cases.indices) func `at least one allows and none refuses`(index: Int) async throws {
        let (moves, status, asked) = Self.cases[index]
        let (ruling, seen) = try await Self.decide(moves)
        #expect(Self.status(ruling) == status)
        #expect(seen.map(\.calls).reduce(0, +) == asked)
    }

    @Test func `nobody at all allows nothing`() async throws {
        #expect(Self.status(try await Self.decide([]).0) == 401)
    }

    @Test func `silence is 503, and is cancelled`() async throws {
        let (ruling, seen) = try await Self.decide([Self.allow, .silence, Self.allow], limit: .milliseconds(100))
        #expect(Self.status(ruling) == 503)
        #expect(ruling.reason == "silence")
        #expect(seen.map(\.calls) == [1, 1, 0])
        #expect(seen.map(\.cancelled) == [0, 1, 0])
    }

    @Test func `whoever goes away cancels the question`() async throws {
        let authorizer = ScriptedAuthorizer("a", .silence)
        let chain = AuthorizerChain([authorizer.handle], limits: LiveLimits(authorization: .seconds(60)))
        let task = Task { try await chain.decide(AuthorizationSubject(method: "GET", path: "/", route: "/", plugin: "p")) }
        while authorizer.what.calls == 0 { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(authorizer.what.cancelled == 1)
    }

    @Test func `the first principal counts and the later ones are told`() async throws {
        let second = Move.decide(Int32(LOGHOST_ALLOW), principal: "mallory")
        let (ruling, seen) = try await Self.decide([Self.allow, second])
        #expect(try ruling.grant().principal == "alice")
        #expect(seen[1].principals == ["alice"])
    }

    @Test func `filters and times of all who allow count`() async throws {
        let first = Move.decide(Int32(LOGHOST_ALLOW), filter: ("_SYSTEMD_UNIT", "a"), expires: .max - 1)
        let second = Move.decide(Int32(LOGHOST_ALLOW), filter: ("_UID", "0"), expires: .max - 2)
        let grant = try await Self.decide([first, second]).0.grant()
        #expect(grant.filter == LogFilter(clauses: [[LogMatch("_SYSTEMD_UNIT", "a")], [LogMatch("_UID", "0")]]))
        #expect(grant.expires == UInt64.max - 2)
    }

    @Test(arguments: ["MESSAGE", "UNIT", "__CURSOR", "_", "_lower", "", "_A=B"])
    func `a filter on a field that anybody can set allows nothing`(name: String) async throws {
        let move = Move.decide(Int32(LOGHOST_ALLOW), filter: (name, "x"))
        #expect(Self.status(try await Self.decide([move]).0) == 503)
    }

    @Test func `what cannot be filtered is not for whom a filter restricts`() async throws {
        let move = Move.decide(Int32(LOGHOST_ALLOW), principal: "alice", filter: ("_SYSTEMD_UNIT", "a"))
        let (ruling, _) = try await Self.decide([move], canBeFiltered: false)
        #expect(Self.status(ruling) == 403)
        #expect(ruling.reason == "filter")
        #expect(Self.status(try await Self.decide([Self.allow], canBeFiltered: false).0) == 200)
    }

    @Test func `an authorization that is over allows nothing`() async throws {
        let move = Move.decide(Int32(LOGHOST_ALLOW), principal: "alice", expires: 1)
        let ruling = try await Self.decide([move]).0
        #expect(Self.status(ruling) == 401)
        #expect(ruling.reason == "expired")
    }

    @Test func `401 has the challenge of each who abstains, or of the one who refuses`() async throws {
        func challenges(_ moves: [Move]) async throws -> [String] {
            do {
                _ = try await Self.decide(moves).0.grant()
                return []
            } catch let problem as Problem {
                return problem.challenges
            }
        }
        let other = Move.decide(Int32(LOGHOST_ABSTAIN), challenge: "Other")
        #expect(try await challenges([Self.abstain, other]) == ["Ask", "Other"])
        #expect(try await challenges([Self.abstain, Self.bad]) == ["Bad"])
    }
}

extension LiveLimits {
    /// As they are by default, but for how long a request waits for its authorizers.
    convenience init(authorization: Duration) {
        var limits = Limits()
        limits.authorization = authorization
        self.init(limits)
    }
}
