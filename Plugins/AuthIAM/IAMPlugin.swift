internal import Glibc
package import PluginKit

/// Asks a DC/OS IAM who may read: tokens, and in an Enterprise cluster permissions.
package struct IAMPlugin: Plugin {
    package static let name = "auth-iam"
    package static let version = "0.1.0"
    package static let summary = "Tokens and permissions of a DC/OS IAM"

    package let authorizer: (any Authorizer)?
    private let configuration: IAMConfiguration
    private let client: IAMClient
    private let background = Background()
    private let incidents: Incidents
    private let keys: KeyStore
    private let account: ServiceAccount?

    package init(configuration: IAMConfiguration, host: Host) throws {
        self.init(configuration: configuration, environment: IAMEnvironment(host: host))
    }

    package init(configuration: IAMConfiguration, environment: IAMEnvironment) {
        let background = self.background
        let incidents = Incidents(environment: environment)
        let client = IAMClient(server: configuration.server, caFile: configuration.caFile, environment: environment)
        let keys = KeyStore(environment: environment, background: background, incidents: incidents)
        let account = configuration.serviceAccount.map {
            ServiceAccount(uid: $0.uid, client: client, background: background, incidents: incidents)
        }
        var permissions: PolicyCache?
        if configuration.mode == .enterprise {
            let query = PolicyQuery(client: client, account: account, incidents: incidents)
            permissions = PolicyCache(environment: environment, background: background) { await query.answer($0) }
        }
        self.authorizer = IAMAuthorizer(
            challenge: configuration.mode.challenge, keys: keys,
            tokens: TokenVerifier(keys: keys, requiresExpiry: configuration.requiresExpiry, environment: environment),
            resources: configuration.resources, permissions: permissions)
        self.configuration = configuration
        self.incidents = incidents
        self.client = client
        self.keys = keys
        self.account = account
    }

    /// Reads the secret files and begins to fetch the keys; the IAM need not be there yet.
    package func start() throws {
        if let file = self.configuration.caFile, unsafe access(file, R_OK) != 0 {
            throw PluginError(.invalid, "ca_file: the file cannot be opened (\(unsafe String(cString: strerror(errno))))")
        }
        if let account, let file = self.configuration.serviceAccount?.privateKeyFile {
            try account.begin(pem: readSecretFile(file, key: "service_account.private_key_file"))
        }
        if let file = self.configuration.secretFile {
            self.keys.begin(secret: try readSharedSecret(file))
        } else {
            self.keys.begin { () async throws(IAMFailure) in
                let keys = try await self.client.keySet()
                if self.configuration.mode == .open { self.background.start { await self.checkMode() } }
                return keys
            }
        }
    }

    package func health() -> [HealthCheck] {
        let hasKeys = self.keys.edition != nil
        return [HealthCheck("keys", isReady: hasKeys, message: hasKeys ? "" : "The IAM has given no keys yet.")]
    }

    /// Says it loudly when permissions that there are would be passed over.
    private func checkMode() async {
        if await self.client.hasPermissions() { self.incidents.failed(.mode, .enterpriseIAM) }
    }

    package func stop() {
        self.background.end()
    }
}
