/// Makes one policy query, as a service account where there is one.
struct PolicyQuery: Sendable {
    let client: IAMClient
    let account: ServiceAccount?
    let incidents: Incidents

    /// Asks; a token that the IAM no longer takes is renewed once.
    func answer(_ question: PolicyQuestion) async -> PolicyCache.Answer {
        do throws(IAMFailure) {
            let permitted = try await self.ask(question)
            self.incidents.succeeded(.permissions)
            return .success(permitted)
        } catch {
            if !Task.isCancelled { self.incidents.failed(.permissions, error) }
            return .failure(error)
        }
    }

    private func ask(_ question: PolicyQuestion) async throws(IAMFailure) -> Bool {
        guard let account else { return try await self.client.isPermitted(question, token: nil) }
        let token = try await account.token()
        do throws(IAMFailure) {
            return try await self.client.isPermitted(question, token: token)
        } catch {
            guard error == .status(401), account.forget(token) else { throw error }
            return try await self.client.isPermitted(question, token: account.token())
        }
    }
}
