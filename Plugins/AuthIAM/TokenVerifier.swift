internal import PluginKit
internal import Synchronization

/// Verifies tokens, and remembers the good ones, so that a signature is checked once.
final class TokenVerifier: Sendable {
    private struct State {
        /// The edition of the keys that have verified what is remembered.
        var edition = 0
        var identities: [String: Identity] = [:]
    }

    /// Tokens that are remembered.
    static let capacity = 4096

    private let keys: KeyStore
    private let requiresExpiry: Bool
    private let environment: IAMEnvironment
    private let state = Mutex(State())

    init(keys: KeyStore, requiresExpiry: Bool, environment: IAMEnvironment) {
        self.keys = keys
        self.requiresExpiry = requiresExpiry
        self.environment = environment
    }

    /// Tells whose token it is when it has been verified with the keys of now; throws when it has ended since.
    func known(_ token: String) throws(TokenDefect) -> Identity? {
        guard let edition = self.keys.edition else { return nil }
        let identity = self.state.withLock { $0.edition == edition.number ? $0.identities[token] : nil }
        guard let identity else { return nil }
        return try self.unexpired(identity)
    }

    /// Verifies a token. When no key has made its signature, the keys may have changed.
    func verify(_ text: String, with edition: KeyStore.Edition) async throws(TokenDefect) -> Identity {
        if let identity = try self.known(text) { return identity }
        let token = try Token(text, algorithm: edition.keys.algorithm)
        var edition = edition
        if !edition.keys.verifies(token) {
            guard let newer = await self.keys.newer(than: edition), newer.keys.verifies(token) else { throw .signature }
            edition = newer
        }
        let identity = try self.unexpired(token.identity(requiresExpiry: self.requiresExpiry))
        self.remember(identity, for: text, edition: edition.number)
        return identity
    }

    private func unexpired(_ identity: Identity) throws(TokenDefect) -> Identity {
        guard !identity.isExpired(at: self.environment.realtime()) else { throw .expired }
        return identity
    }

    private func remember(_ identity: Identity, for token: String, edition: Int) {
        self.state.withLock { state in
            // Verified with keys that are gone.
            guard edition >= state.edition else { return }
            if edition > state.edition { state = State(edition: edition) }
            if state.identities.count >= Self.capacity {
                let now = self.environment.realtime()
                state.identities = state.identities.filter { !$0.value.isExpired(at: now) }
                // Hashing is seeded: which ones go, nobody can choose.
                let excess = state.identities.count - Self.capacity * 7 / 8
                for token in Array(state.identities.keys.prefix(max(excess, 0))) { state.identities[token] = nil }
            }
            state.identities[token] = identity
        }
    }
}
