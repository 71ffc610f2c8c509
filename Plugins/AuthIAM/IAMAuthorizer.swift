internal import PluginKit

/// Decides by a token, and with an Enterprise IAM by its permissions.
final class IAMAuthorizer: Authorizer {
    private let challenge: String
    private let keys: KeyStore
    private let tokens: TokenVerifier
    private let resources: ResourceMap
    /// Nil with an open IAM: every user may read.
    private let permissions: PolicyCache?

    init(challenge: String, keys: KeyStore, tokens: TokenVerifier, resources: ResourceMap, permissions: PolicyCache?) {
        self.challenge = challenge
        self.keys = keys
        self.tokens = tokens
        self.resources = resources
        self.permissions = permissions
    }

    func decide(_ request: AuthorizationRequest) -> Decision? {
        switch Credential(request.headers, isKnown: !request.principal.isEmpty) {
        case .absent:
            var decision = Decision(.abstain)
            decision.challenge = self.challenge
            return decision
        case .unusable(let reason): return self.keys.edition == nil ? nil : self.unauthenticated(reason)
        case .token(let token):
            do throws(TokenDefect) {
                guard let identity = try self.tokens.known(token) else { return nil }
                guard let permissions else { return self.decision(.allow, identity, token, "authenticated") }
                return self.decision(identity, token, self.resources.resources(for: request.route)) { permissions.known($0) }
            } catch {
                return self.unauthenticated(error.rawValue)
            }
        }
    }

    func authorize(_ request: AuthorizationRequest) async throws -> Decision {
        let credential = Credential(request.headers, isKnown: !request.principal.isEmpty)
        // Whatever a token looks like: without keys nobody can say that it is bad.
        guard credential != .absent, let edition = await self.keys.ready() else {
            return self.decide(request) ?? self.cannotDecide("no keys")
        }
        switch credential {
        case .absent: return self.cannotDecide("no credential")
        case .unusable(let reason): return self.unauthenticated(reason)
        case .token(let token):
            do throws(TokenDefect) {
                let identity = try await self.tokens.verify(token, with: edition)
                guard let permissions else { return self.decision(.allow, identity, token, "authenticated") }
                return await self.ask(permissions, identity, token, self.resources.resources(for: request.route))
            } catch {
                return self.unauthenticated(error.rawValue)
            }
        }
    }

    /// Asks for one resource after the other until one permits.
    private func ask(_ permissions: PolicyCache, _ identity: Identity, _ token: String, _ resources: [String]) async -> Decision {
        var answers: [String: PolicyCache.Answer] = [:]
        for resource in resources {
            let answer = await permissions.answer(PolicyQuestion(uid: identity.uid, resource: resource))
            answers[resource] = answer
            if case .success(true) = answer { break }
            // Each further question would wait as long, and the host does not.
            if case .failure(let failure) = answer, failure.isTimeout || Task.isCancelled { break }
        }
        return self.decision(identity, token, resources) { answers[$0.resource] ?? .failure(IAMFailure(reason: "timeout")) }
            ?? self.cannotDecide("timeout")
    }

    /// Makes a decision of the answers; nil when one is missing that could permit.
    private func decision(
        _ identity: Identity, _ token: String, _ resources: [String], answer: (PolicyQuestion) -> PolicyCache.Answer?
    ) -> Decision? {
        var failure: (reason: String, resource: String)?
        var isComplete = true
        for resource in resources {
            switch answer(PolicyQuestion(uid: identity.uid, resource: resource)) {
            case .success(true):
                return self.decision(.allow, identity, token, "permitted", object: resource)
            case .success(false): break
            case .failure(let error): failure = failure ?? (error.reason, resource)
            case nil: isComplete = false
            }
        }
        guard isComplete else { return nil }
        if let failure { return self.decision(.cannotDecide, identity, "", failure.reason, object: failure.resource) }
        return self.decision(.deny, identity, "", "not permitted", object: resources.first ?? "")
    }

    private func decision(
        _ verdict: Decision.Verdict, _ identity: Identity, _ token: String, _ reason: String, object: String = ""
    ) -> Decision {
        var decision = Decision(verdict)
        decision.principal = identity.uid
        decision.credential = token
        decision.expires = identity.expires ?? 0
        decision.reason = reason
        decision.object = object
        decision.action = object.isEmpty ? "" : PolicyQuestion.action
        return decision
    }

    private func unauthenticated(_ reason: String) -> Decision {
        var decision = Decision(.unauthenticated)
        decision.challenge = self.challenge
        decision.reason = reason
        return decision
    }

    private func cannotDecide(_ reason: String) -> Decision {
        var decision = Decision(.cannotDecide)
        decision.reason = reason
        return decision
    }
}
