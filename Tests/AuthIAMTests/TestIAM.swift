import AuthIAM
import Dispatch
import FoundationEssentials
import PluginKit
import Synchronization

/// An IAM behind the plugin's transport, with clocks that stand until a test moves them.
final class TestIAM: Sendable {
    enum Answer: Sendable {
        case status(Int, String)
        case failure(PluginError.Code)
    }

    struct State: Sendable {
        var keys = Answer.failure(.upstream)
        /// By resource id; what is not there is not permitted.
        var permissions: [String: Answer] = [:]
        var login = Answer.status(401, "")
        /// Called for each policy query with its authorization.
        var accepts: @Sendable (String?) -> Bool = { _ in true }
        var isHolding = false
        var requests: [HTTPRequest] = []
        var log: [String] = []
        var realtime: UInt64 = 1_800_000_000_000_000
        var monotonic = ContinuousClock.now
    }

    /// The second at which a test begins.
    static let now = 1_800_000_000
    static let allowed = Answer.status(200, #"{"allowed": true}"#)
    static let refused = Answer.status(200, #"{"allowed": false}"#)

    let state = Mutex(State())

    /// Makes one that gives out the keys.
    init(keys: [TestKey] = []) throws {
        try self.publish(keys)
    }

    func change(_ body: (inout State) -> Void) { self.state.withLock { body(&$0) } }

    func publish(_ keys: [TestKey]) throws {
        guard !keys.isEmpty else { return }
        let list = try keys.map { try $0.json() }.joined(separator: ",")
        self.change { $0.keys = .status(200, #"{"keys":[\#(list)]}"#) }
    }

    func advance(_ seconds: Double) {
        self.change {
            $0.realtime += UInt64((seconds * 1000).rounded()) * 1000
            $0.monotonic += .milliseconds(Int((seconds * 1000).rounded()))
        }
    }

    /// How many requests contained the text in their URL.
    func count(_ text: String) -> Int { self.state.withLock { $0.requests.count { $0.url.contains(text) } } }

    var requests: [HTTPRequest] { self.state.withLock { $0.requests } }
    var log: [String] { self.state.withLock { $0.log } }

    var environment: IAMEnvironment {
        var environment = IAMEnvironment(host: Host(name: "iam"))
        environment.realtime = { self.state.withLock { $0.realtime } }
        environment.monotonic = { self.state.withLock { $0.monotonic } }
        environment.log = { level, message, attributes in
            let line = ([message] + attributes.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
            self.change { $0.log.append("\(level) \(line)") }
        }
        environment.fetch = { try await self.answer($0) }
        return environment
    }

    private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        self.change { $0.requests.append(request) }
        while self.state.withLock({ $0.isHolding }) { try await Task.sleep(for: .milliseconds(1)) }
        let answer = self.state.withLock { state -> Answer in
            if request.url.contains("/jwks") { return state.keys }
            if request.url.contains("/login") { return state.login }
            guard state.accepts(request.headers.first { $0.name == "authorization" }?.value) else { return .status(401, "") }
            let resource = request.url.split(separator: "rid=").last?.split(separator: "&").first ?? ""
            return state.permissions[String(resource).replacing("%3A", with: ":")] ?? Self.refused
        }
        switch answer {
        case .status(let status, let body): return HTTPResponse(status: status, body: Array(body.utf8))
        case .failure(let code): throw PluginError(code, "not now")
        }
    }

    /// Lends a plugin that has started.
    func withPlugin<Value>(
        _ configuration: String = #"{"iam":"http://127.0.0.1:8101","mode":"open"}"#,
        _ body: (any Authorizer) async throws -> Value
    ) async throws -> Value {
        let plugin = IAMPlugin(
            configuration: try JSONDecoder().decode(IAMConfiguration.self, from: Data(configuration.utf8)),
            environment: self.environment)
        try plugin.start()
        guard let authorizer = plugin.authorizer else { throw PluginError(.internalFault, "no authorizer") }
        let result = await withResult { try await body(authorizer) }
        await stopped(plugin)
        return try result.get()
    }
}

private func withResult<Value>(_ body: () async throws -> Value) async -> Result<Value, any Error> {
    do { return .success(try await body()) } catch { return .failure(error) }
}

/// Stops a plugin on a thread that may wait, as the host does: it waits for tasks that need the shared ones.
func stopped(_ plugin: IAMPlugin) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            plugin.stop()
            continuation.resume()
        }
    }
}

let enterprise = #"{"iam":"http://127.0.0.1:8101","mode":"enterprise"}"#

extension Authorizer {
    /// Decides as PluginKit lets it.
    func answer(_ request: AuthorizationRequest) async throws -> Decision {
        if let decision = self.decide(request) { return decision }
        return try await self.authorize(request)
    }

    func answer(token: String, route: String = "/v1/range/") async throws -> Decision {
        try await self.answer(request([("authorization", "token=\(token)")], route: route))
    }
}

func request(_ headers: [(name: String, value: String)], route: String = "/v1/range/") -> AuthorizationRequest {
    var request = AuthorizationRequest()
    request.headers = headers
    request.route = route
    request.path = route
    return request
}

/// Waits for something that another task brings about.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(15)
    while ContinuousClock.now < deadline {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(2))
    }
    return condition()
}
