/// What the chain has said about one request.
package struct Ruling: Sendable {
    package enum Result: Sendable {
        case allow(Grant)
        /// Known, and may not.
        case deny
        /// Unknown, with a `WWW-Authenticate` value of each authorizer that gave one.
        case unauthenticated(challenges: [String])
        /// Somebody had to say something, and did not.
        case undecided
    }

    package var result: Result
    package var principal: String
    /// Whose word it was; empty when nobody had one.
    package var authorizer: String
    package var object: String
    package var action: String
    package var reason: String

    fileprivate init(_ result: Result, _ grant: Grant, _ authorizer: String, _ decision: Decision) {
        self.result = result
        self.principal = grant.principal
        self.authorizer = authorizer
        self.object = decision.object
        self.action = decision.action
        self.reason = decision.reason
    }

    /// What is allowed; throws what the client is told when nothing is.
    package func grant() throws(Problem) -> Grant {
        switch self.result {
        case .allow(let grant): return grant
        case .deny: throw Problem(403, "This is not permitted.")
        case .undecided: throw Problem(503, "Whether this is permitted cannot be found out now.", retryAfter: 5)
        case .unauthenticated(let challenges):
            // The same for every defect, so that nobody can learn from it.
            var problem = Problem(401, "A valid credential is needed.")
            problem.challenges = challenges
            throw problem
        }
    }
}

/// Asks the authorizers in their order. Nothing is allowed by default.
package struct AuthorizerChain: Sendable {
    private let authorizers: [AuthorizerHandle]
    private let limits: LiveLimits
    private let metrics: AuthorizationMetrics

    /// `limits.authorization` bounds how long one request waits for all of them.
    package init(_ authorizers: [AuthorizerHandle], limits: LiveLimits) {
        self.authorizers = authorizers
        self.limits = limits
        self.metrics = AuthorizationMetrics(authorizers: authorizers.map(\.name))
    }

    /// Decides. Throws only when nobody waits for the decision any more.
    package func decide(_ subject: AuthorizationSubject, isRecheck: Bool = false) async throws(CancellationError) -> Ruling {
        let ruling = try await self.rule(subject, isRecheck: isRecheck)
        self.metrics.count(ruling.result)
        return ruling
    }

    private func rule(_ subject: AuthorizationSubject, isRecheck: Bool) async throws(CancellationError) -> Ruling {
        let deadline = ContinuousClock.now + self.limits.current.authorization
        var grant = Grant()
        var allowed: (authorizer: String, decision: Decision)?
        var challenges: [String] = []
        for authorizer in self.authorizers {
            let decision: Decision
            do {
                decision = try await authorizer.decide(
                    subject, grant: grant, isRecheck: isRecheck, until: deadline)
            } catch let error as CancellationError {
                throw error
            } catch is OperationTimeout {
                decision = Decision(.cannotDecide, reason: "silence")
            } catch {
                decision = Decision(.cannotDecide, reason: "error")
            }
            self.metrics.count(decision.verdict, of: authorizer.name)
            grant.add(decision)
            switch decision.verdict {
            case .allow:
                if allowed?.decision.object.isEmpty ?? true { allowed = (authorizer.name, decision) }
            case .abstain:
                if !decision.challenge.isEmpty { challenges.append(decision.challenge) }
            case .deny: return Ruling(.deny, grant, authorizer.name, decision)
            case .unauthenticated:
                let challenges = decision.challenge.isEmpty ? [] : [decision.challenge]
                return Ruling(.unauthenticated(challenges: challenges), grant, authorizer.name, decision)
            case .cannotDecide: return Ruling(.undecided, grant, authorizer.name, decision)
            }
        }
        guard let allowed else {
            let nobody = Decision(.abstain, reason: grant.principal.isEmpty ? "no credential" : "nobody allows")
            return Ruling(grant.principal.isEmpty ? .unauthenticated(challenges: challenges) : .deny, grant, "", nobody)
        }
        if grant.hasExpired {
            return Ruling(
                .unauthenticated(challenges: challenges), grant, allowed.authorizer, Decision(.unauthenticated, reason: "expired")
            )
        }
        if !subject.canBeFiltered, !grant.filter.clauses.isEmpty {
            return Ruling(.deny, grant, allowed.authorizer, Decision(.deny, reason: "filter"))
        }
        return Ruling(.allow(grant), grant, allowed.authorizer, allowed.decision)
    }
}
