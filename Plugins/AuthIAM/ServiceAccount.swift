internal import FoundationEssentials
internal import JWTKit
internal import PluginKit
internal import Synchronization

/// Logs in to the IAM, for policy queries and nothing else, and renews the token before it ends.
final class ServiceAccount: Sendable {
    private struct State {
        var token: String?
        /// When to renew, and when it ends.
        var renewal: UInt64 = 0
        var end: UInt64 = 0
        var obtained: ContinuousClock.Instant?
        var login: Task<Result<String, IAMFailure>, Never>?
        var failure: (reason: IAMFailure, until: ContinuousClock.Instant)?
    }

    /// After a failed login the next one waits so long.
    static let pause = Duration.seconds(2)
    /// A token that is refused although it is younger than this would be refused after another login too.
    static let youth = Duration.seconds(10)
    /// The token a login is asked with lives so long, in seconds.
    static let loginLifetime = 60
    /// A token of the IAM that does not say when it ends is renewed after this, in microseconds.
    static let defaultLifetime: UInt64 = 3600 * 1_000_000

    private let uid: String
    private let client: IAMClient
    private let environment: IAMEnvironment
    private let background: Background
    private let incidents: Incidents
    private let key: Mutex<Insecure.RSA.PrivateKey?> = Mutex(nil)
    private let state = Mutex(State())

    init(uid: String, client: IAMClient, background: Background, incidents: Incidents) {
        self.uid = uid
        self.client = client
        self.environment = client.environment
        self.background = background
        self.incidents = incidents
    }

    /// Takes the key and logs in for the first time. Throws a `PluginError` when it is none.
    func begin(pem: [UInt8]) throws {
        guard let key = try? Insecure.RSA.PrivateKey(pem: pem) else {
            throw PluginError(
                .invalid, "service_account.private_key_file: expected an RSA key in PEM, without a password, 2048 bits or more")
        }
        self.key.withLock { $0 = key }
        _ = self.state.withLock { self.begin(&$0) }
    }

    /// Answers the token; logs in when there is none, and ahead of time while the one there is still counts.
    func token() async throws(IAMFailure) -> String {
        let now = self.environment.realtime()
        let (token, login) = try self.state.withLock {
            state throws(IAMFailure) -> (String?, Task<Result<String, IAMFailure>, Never>?) in
            let token = now < state.end ? state.token : nil
            if token != nil, now < state.renewal { return (token, nil) }
            if let login = state.login { return (token, login) }
            if let failure = state.failure, self.environment.monotonic() < failure.until {
                if token == nil { throw failure.reason }
                return (token, nil)
            }
            return (token, self.begin(&state))
        }
        if let token { return token }
        guard let login else { throw .unusable }
        return try await login.value.get()
    }

    /// Forgets a token that the IAM no longer takes, so that the next one asks for another; false when this one is quite new.
    func forget(_ token: String) -> Bool {
        let now = self.environment.monotonic()
        return self.state.withLock { state in
            guard state.token == token else { return true }
            guard let obtained = state.obtained, now - obtained >= Self.youth else { return false }
            state.token = nil
            return true
        }
    }

    private func begin(_ state: inout State) -> Task<Result<String, IAMFailure>, Never> {
        let task = self.background.start { await self.logIn() }
        state.login = task
        return task
    }

    private func logIn() async -> Result<String, IAMFailure> {
        do throws(IAMFailure) {
            let token = try await self.client.login(uid: self.uid, token: self.loginToken())
            let now = self.environment.realtime()
            let end = Self.end(of: token) ?? now + Self.defaultLifetime
            guard end > now else { throw IAMFailure(reason: "expired token") }
            self.state.withLock { state in
                (state.token, state.end, state.login, state.failure) = (token, end, nil, nil)
                state.renewal = now + (end - now) / 5 * 4
                state.obtained = self.environment.monotonic()
            }
            self.incidents.succeeded(.login)
            return .success(token)
        } catch {
            self.state.withLock { state in
                state.login = nil
                state.failure = (error, self.environment.monotonic() + Self.pause)
            }
            if !Task.isCancelled { self.incidents.failed(.login, error) }
            return .failure(IAMFailure(reason: "login: \(error.reason)", isTimeout: error.isTimeout))
        }
    }

    private struct Payload: JWTPayload {
        let uid: String
        let exp: Int

        func verify(using algorithm: some JWTAlgorithm) {}
    }

    private func loginToken() async throws(IAMFailure) -> String {
        guard let key = self.key.withLock({ $0 }) else { throw .unusable }
        let expiry = Int(self.environment.realtime() / 1_000_000) + Self.loginLifetime
        let keys = await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256)
        guard let token = try? await keys.sign(Payload(uid: self.uid, exp: expiry)) else { throw .unusable }
        return token
    }

    /// Reads when a token ends; it came from the IAM itself, so no signature is checked.
    private static func end(of token: String) -> UInt64? {
        guard let parsed = try? Token(token, algorithm: "RS256") else { return nil }
        return (try? parsed.identity(requiresExpiry: true))?.expires
    }
}
