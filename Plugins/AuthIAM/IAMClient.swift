internal import FoundationEssentials
internal import PluginKit

/// Asks the IAM; every answer but the one expected is a failure.
struct IAMClient: Sendable {
    /// Less than the host waits for an authorizer.
    static let patience = Duration.milliseconds(3500)

    let server: ServerURL
    let caFile: String?
    let environment: IAMEnvironment

    func keySet() async throws(IAMFailure) -> KeySet {
        let answer = try await self.send(self.request("GET", self.server.url("/acs/api/v1/auth/jwks"), capacity: 256 << 10))
        guard answer.status == 200 else { throw .status(answer.status) }
        return try await KeySet(json: answer.body)
    }

    /// Asks whether a user has the permission for all actions on a resource.
    func isPermitted(_ question: PolicyQuestion, token: String?) async throws(IAMFailure) -> Bool {
        let url = self.server.url(
            "/acs/api/v1/internal/policyquery",
            [("rid", question.resource), ("uid", question.uid), ("action", PolicyQuestion.action)])
        var request = self.request("GET", url)
        if let token { request.headers.append(("authorization", "token=\(token)")) }
        let answer = try await self.send(request)
        if answer.status == 404, answer.body.isEmpty { throw .openIAM }
        guard answer.status == 200 else { throw .status(answer.status) }
        guard let verdict = try? JSONDecoder().decode(Verdict.self, from: Data(answer.body)) else { throw .unusable }
        return verdict.allowed
    }

    /// Tells whether the IAM says that it has permissions; false also when it says nothing.
    func hasPermissions() async -> Bool {
        let url = self.server.url(
            "/acs/api/v1/internal/policyquery", [("rid", "dcos:superuser"), ("uid", "nobody"), ("action", "full")])
        guard let answer = try? await self.send(self.request("GET", url)) else { return false }
        return [200, 401, 403].contains(answer.status)
    }

    /// Exchanges a service's own token for one of the IAM.
    func login(uid: String, token: String) async throws(IAMFailure) -> String {
        var request = self.request("POST", self.server.url("/acs/api/v1/auth/login"))
        guard let body = try? JSONEncoder().encode(Login(uid: uid, token: token)) else { throw .unusable }
        request.body = Array(body)
        request.headers.append(("content-type", "application/json"))
        let answer = try await self.send(request)
        guard answer.status == 200 else { throw .status(answer.status) }
        guard let token = try? JSONDecoder().decode(Ticket.self, from: Data(answer.body)).token, !token.isEmpty,
            token.utf8.count <= Token.capacity, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw .unusable }
        return token
    }

    private struct Verdict: Decodable { let allowed: Bool }
    private struct Ticket: Decodable { let token: String }
    private struct Login: Encodable { let uid: String, token: String }

    private func request(_ method: String, _ url: String, capacity: Int = 64 << 10) -> HTTPRequest {
        var request = HTTPRequest(method, url)
        request.headers = [("accept", "application/json")]
        request.deadline = Self.patience
        request.bodyCapacity = capacity
        request.caFile = self.caFile ?? ""
        return request
    }

    private func send(_ request: HTTPRequest) async throws(IAMFailure) -> HTTPResponse {
        do {
            return try await self.environment.fetch(request)
        } catch {
            throw IAMFailure(error)
        }
    }
}
