package import PluginKit

/// Knows who may read, from a file of hashed tokens, passwords, unix users and certificates.
package struct TokenPlugin: Plugin {
    package static let name = "auth-token"
    package static let version = "0.1.0"
    package static let summary = "A file of principals: hashed tokens, passwords, unix users, client certificates"

    private let store: PrincipalStore
    private let threads = BlockingThreads.forPasswords()
    package let authorizer: (any Authorizer)?

    package init(configuration: TokenConfiguration, host: Host) throws {
        self.store = try configuration.store { host.log($0, $1) }
        self.authorizer = TokenAuthorizer(
            store: self.store, unknownTokens: configuration.unknownTokens, threads: self.threads,
            now: { host.realtimeMicroseconds ?? UTCTime.now })
    }

    /// Reads the file, if there is one; throws what is wrong with it.
    package func start() throws {
        try self.store.load()
        self.store.watch()
    }

    package func health() -> [HealthCheck] {
        let isInForce = self.store.current != nil
        return [
            HealthCheck("principals", isReady: isInForce, message: isInForce ? "" : "The file of principals is not in force.")
        ]
    }

    package func stop() {
        self.store.stop()
        self.threads.stop()
    }
}
