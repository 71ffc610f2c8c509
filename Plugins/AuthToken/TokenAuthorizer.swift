package import PluginKit

/// Decides by a bearer token, a name and password, or what the transport has proved of the peer.
///
/// All refusals of credentials are alike to the client: whether a token is unknown, too long or has expired, whether a name or its
/// password is wrong, is said in the audit record only.
package struct TokenAuthorizer: Authorizer {
    /// What becomes of a bearer token that nobody here has.
    package enum UnknownTokens: String, Sendable {
        /// 401
        case refuse
        /// The next authorizer's to say.
        case abstain
    }

    /// Asks to be asked again about a follow sooner than the host would: that costs next to nothing here.
    private static let recheckAfter = Duration.seconds(15)

    private let store: PrincipalStore
    private let unknownTokens: UnknownTokens
    private let threads: BlockingThreads
    private let now: @Sendable () -> UInt64

    /// The clock gives microseconds since the epoch.
    package init(
        store: PrincipalStore, unknownTokens: UnknownTokens = .refuse, threads: BlockingThreads = .forPasswords(),
        now: @escaping @Sendable () -> UInt64 = { UTCTime.now }
    ) {
        self.store = store
        self.unknownTokens = unknownTokens
        self.threads = threads
        self.now = now
    }

    /// Decides everything but passwords that were not right a moment ago.
    package func decide(_ request: AuthorizationRequest) -> Decision? {
        guard let principals = self.store.current else { return Self.cannotDecide("file") }
        switch Credential(request.headers) {
        case .none:
            guard let (principal, by) = principals.owner(of: request.peer) else {
                return Self.abstention("no credential", principals)
            }
            return self.decision(principal, by, request, principals)
        case .bearer(let token):
            guard let principal = principals.owner(ofToken: token) else { return self.unknownToken("unknown token", principals) }
            return self.decision(principal, "token", request, principals)
        case .malformed(.bearer): return self.unknownToken("malformed token", principals)
        // Without a password anywhere it is another authorizer's scheme.
        case .basic where !principals.havePasswords, .malformed(.basic) where !principals.havePasswords:
            return Self.abstention("other scheme", principals)
        case .malformed(.basic): return Self.refusal("malformed password", principals)
        case .basic(let name, let password):
            guard principals.verified.contains(Digest.Keyed(name, password)) else { return nil }
            guard let principal = principals.hash(for: name)?.principal else { return Self.refusal("wrong password", principals) }
            return self.decision(principal, "password", request, principals)
        case .other: return Self.abstention("other scheme", principals)
        case .several: return Self.refusal("several credentials", principals)
        }
    }

    /// Decides about a password, by its hash.
    package func authorize(_ request: AuthorizationRequest) async throws -> Decision {
        if let decision = self.decide(request) { return decision }
        guard let principals = self.store.current, case .basic(let name, let password) = Credential(request.headers),
            let (hash, principal) = principals.hash(for: name)
        else { return Self.cannotDecide("file") }
        let isRight: Bool
        do {
            isRight = try await self.threads.run { hash.verify(password) }
        } catch {
            return Self.cannotDecide("busy")
        }
        guard let principal, isRight else { return Self.refusal("wrong password", principals) }
        principals.verified.insert(Digest.Keyed(name, password))
        return self.decision(principal, "password", request, principals)
    }

    /// Decides about somebody known.
    private func decision(
        _ principal: Principal, _ by: String, _ request: AuthorizationRequest, _ principals: Principals
    ) -> Decision {
        if let expires = principal.expires, expires <= self.now() { return Self.refusal("expired", principals) }
        let mayRead = principal.mayRead(request.route)
        var decision = Decision(mayRead ? .allow : .deny)
        decision.principal = principal.name
        decision.reason = mayRead ? by : "route"
        guard mayRead else { return decision }
        decision.filter = principal.filter
        decision.expires = principal.expires ?? 0
        decision.recheckAfter = Self.recheckAfter
        return decision
    }

    private func unknownToken(_ reason: String, _ principals: Principals) -> Decision {
        switch self.unknownTokens {
        case .refuse: Self.refusal(reason, principals)
        case .abstain: Self.abstention(reason, principals)
        }
    }

    private static func refusal(_ reason: String, _ principals: Principals) -> Decision {
        var decision = Decision(.unauthenticated)
        decision.challenge = self.challenge(principals)
        decision.reason = reason
        return decision
    }

    private static func abstention(_ reason: String, _ principals: Principals) -> Decision {
        var decision = Decision(.abstain)
        decision.challenge = self.challenge(principals)
        decision.reason = reason
        return decision
    }

    private static func cannotDecide(_ reason: String) -> Decision {
        var decision = Decision(.cannotDecide)
        decision.reason = reason
        return decision
    }

    private static func challenge(_ principals: Principals) -> String {
        principals.havePasswords ? #"Bearer realm="loghost", Basic realm="loghost""# : #"Bearer realm="loghost""#
    }
}
