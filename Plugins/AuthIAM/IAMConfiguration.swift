internal import PluginKit

/// What stands under `config`.
package struct IAMConfiguration: Decodable, Sendable {
    /// Which kind of IAM it is. There is no default: taking one for the other would skip permissions or refuse everybody.
    package enum Mode: String, Sendable {
        /// Identity only: every user may read.
        case open
        /// Permissions on top.
        case enterprise

        /// The value of `WWW-Authenticate`.
        var challenge: String { self == .open ? "oauthjwt" : "acsjwt" }
    }

    /// Which node this is; chooses the default of `rids`.
    package enum Role: String, Sendable {
        case master, agent
        case agentPublic = "agent_public"
    }

    /// The account that asks for permissions from a machine where the IAM does not answer everybody.
    package struct ServiceAccount: Decodable, Sendable {
        package var uid: String
        package var privateKeyFile: String

        package init(from decoder: any Decoder) throws {
            let keys = try StrictKeys(decoder, "uid", "private_key_file")
            guard let uid: String = try keys.value("uid"), isUID(uid) else {
                throw PluginError(.invalid, "service_account.uid: expected the name of a service account")
            }
            self.uid = uid
            self.privateKeyFile = try path(keys.value("private_key_file"), "service_account.private_key_file")
        }
    }

    /// Where the IAM is.
    package var server: ServerURL
    package var mode: Mode
    /// PEM of the authorities that sign the IAM's certificate; nil = the system's.
    package var caFile: String?
    /// The secret of an old cluster's HS256 tokens; nil = RS256 with the IAM's key set.
    package var secretFile: String?
    /// False accepts tokens that never expire.
    package var requiresExpiry: Bool
    /// Which resource ids permit a route.
    package var resources: ResourceMap
    package var serviceAccount: ServiceAccount?

    package init(from decoder: any Decoder) throws {
        let keys = try StrictKeys(
            decoder, "iam", "mode", "ca_file", "hs256_secret_file", "require_exp", "role", "rids", "superuser", "service_account")
        guard let url: String = try keys.value("iam") else {
            throw PluginError(.invalid, "iam: missing; expected the URL of the IAM")
        }
        self.server = try ServerURL(url)
        guard let mode: String = try keys.value("mode") else {
            throw PluginError(.invalid, "mode: missing; expected open or enterprise")
        }
        self.mode = try choice(mode, "mode", "open or enterprise")
        self.caFile = try keys.value("ca_file").map { try path($0, "ca_file") }
        self.secretFile = try keys.value("hs256_secret_file").map { try path($0, "hs256_secret_file") }
        self.requiresExpiry = try keys.value("require_exp") ?? true
        let role: Role = try choice(keys.value("role") ?? "master", "role", "master, agent or agent_public")
        let rids: [String: [String]]? = try keys.value("rids")
        let superuser: String? = try keys.value("superuser")
        self.resources = try ResourceMap(rids ?? ResourceMap.standard(for: role), superuser: superuser ?? "dcos:superuser")
        self.serviceAccount = try keys.value("service_account")

        if self.caFile != nil, !self.server.isSecure {
            throw PluginError(.invalid, "ca_file: has a meaning with an https iam only")
        }
        guard self.mode == .open else { return }
        for (key, isThere) in [
            ("rids", rids != nil), ("superuser", superuser != nil), ("service_account", self.serviceAccount != nil),
        ]
        where isThere {
            throw PluginError(.invalid, "\(key): an open IAM has no permissions; use it with mode: enterprise")
        }
    }
}

private func choice<Value: RawRepresentable>(_ text: String, _ key: String, _ values: String) throws -> Value
where Value.RawValue == String {
    guard let value = Value(rawValue: text) else { throw PluginError(.invalid, "\(key): expected \(values)") }
    return value
}

private func path(_ text: String?, _ key: String) throws -> String {
    guard let text, text.hasPrefix("/"), !text.utf8.contains(0) else {
        throw PluginError(.invalid, "\(key): expected the absolute path of a file")
    }
    return text
}
