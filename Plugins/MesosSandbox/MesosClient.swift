internal import FoundationEssentials
internal import PluginKit

/// Asks Mesos: adds the caller's token, and says in the words of `PluginError` what went wrong.
struct MesosClient: Sendable {
    /// Which server is asked, for errors: it is named by its part, never by its address.
    enum Role: String, Sendable {
        case agent = "Mesos agent"
        case master = "Mesos master"
    }

    let tls: ClientTLS
    let timeout: Duration
    /// Makes one request, as `Host.fetch` does.
    let fetch: @Sendable (HTTPRequest) async throws -> HTTPResponse

    /// Asks for a path with its query. Answers whatever came; throws when nothing did.
    func get(
        _ target: String, at endpoint: Endpoint, as role: Role, token: String, capacity: Int
    ) async throws -> HTTPResponse {
        var request = HTTPRequest("GET", "\(self.tls.scheme)://\(endpoint.authority)\(target)")
        if !token.isEmpty { request.headers = [("Authorization", "token=\(token)")] }
        request.deadline = self.timeout
        request.bodyCapacity = capacity
        request.caFile = self.tls.caFile
        request.clientCertificate = self.tls.clientCertificate
        request.clientKey = self.tls.clientKey
        do {
            return try await self.fetch(request)
        } catch let error as PluginError {
            throw Self.explained(error, role)
        }
    }

    private static func explained(_ error: PluginError, _ role: Role) -> PluginError {
        switch error.code {
        case .timeout: Self.silence(role)
        case .limit where error.retryable: error
        case .limit: PluginError(.upstream, "The \(role.rawValue) answered too much.", detail: role.rawValue)
        case .unavailable: error
        default: PluginError(.upstream, "The \(role.rawValue) cannot be reached.", detail: role.rawValue, retryable: true)
        }
    }

    static func silence(_ role: Role) -> PluginError {
        PluginError(.timeout, "The \(role.rawValue) did not answer in time.", detail: role.rawValue, retryable: true)
    }

    /// What any status but 200 means.
    static func failure(_ status: Int, _ role: Role, _ what: String) -> PluginError {
        switch status {
        case 401: PluginError(.unauthenticated, "The \(role.rawValue) does not accept the credential.")
        case 403: PluginError(.forbidden, "The \(role.rawValue) does not permit this.")
        case 404: PluginError(.notFound, "\(what) is not there.")
        case 503, 502, 504:
            PluginError(.upstream, "The \(role.rawValue) is not ready.", detail: role.rawValue, retryable: true)
        default: PluginError(.upstream, "The \(role.rawValue) failed.", detail: role.rawValue, retryable: status >= 500)
        }
    }
}

/// Decodes what Mesos answered; nil when it is not what it should be. Names of files and tasks stand in it as they are, UTF-8 or not.
func decoded<Answer: Decodable>(_ type: Answer.Type, _ body: [UInt8]) -> Answer? {
    if let answer = try? JSONDecoder().decode(type, from: Data(body)) { return answer }
    return try? JSONDecoder().decode(type, from: Data(String(decoding: body, as: UTF8.self).utf8))
}
