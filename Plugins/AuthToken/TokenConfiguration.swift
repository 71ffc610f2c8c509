internal import PluginKit

/// What stands under `config`: `file` or `principals`, and what becomes of tokens that nobody here has.
package struct TokenConfiguration: Decodable, Sendable {
    /// An absolute path.
    package var file: String?
    /// What the file would hold.
    package var principals: Value?
    package var unknownTokens = TokenAuthorizer.UnknownTokens.refuse

    package init(from decoder: any Decoder) throws {
        let keys = try StrictKeys(decoder, "file", "principals", "unknown_tokens")
        self.file = try keys.value("file")
        self.principals = try keys.value("principals")
        if let text = try keys.value("unknown_tokens", as: String.self) {
            guard let value = TokenAuthorizer.UnknownTokens(rawValue: text) else {
                throw PluginError(.invalid, "unknown_tokens: expected refuse or abstain")
            }
            self.unknownTokens = value
        }
    }

    /// Makes the store of principals; throws for a mistake in them, but opens no file.
    func store(log: @escaping @Sendable (Host.LogLevel, String) -> Void) throws -> PrincipalStore {
        switch (self.file, self.principals) {
        case (let path?, nil):
            guard path.hasPrefix("/"), !path.utf8.contains(0), path.utf8.count < 4096 else {
                throw PluginError(.invalid, "file: expected an absolute path")
            }
            return PrincipalStore(file: PrincipalFile(path: path), log: log)
        case (nil, let principals?):
            do throws(Mistake) { return PrincipalStore(try Principals(principals)) } catch {
                throw PluginError(.invalid, error.description)
            }
        default: throw PluginError(.invalid, "file, principals: expected exactly one of them")
        }
    }
}
