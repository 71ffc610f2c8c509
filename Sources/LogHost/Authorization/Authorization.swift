/// Who may read: the chain, its record, and what keeps an eye on running follows.
final class Authorization: Sendable {
    let rechecks: Rechecks
    private let chain: AuthorizerChain
    private let audit: AuditLog

    init(_ chain: AuthorizerChain, audit: AuditLog) {
        self.chain = chain
        self.audit = audit
        self.rechecks = Rechecks(chain, audit: audit)
    }

    /// Decides about a new request and records the decision; throws the answer of one that is not allowed.
    func decide(_ subject: AuthorizationSubject) async throws -> Grant {
        let ruling = try await self.chain.decide(subject)
        self.audit.record(ruling, of: subject)
        return try ruling.grant()
    }
}
