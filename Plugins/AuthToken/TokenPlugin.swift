package import PluginKit

/// Knows who may read from a file of hashed tokens.
package struct TokenPlugin: Plugin {
    package static let name = "auth-token"
    package static let version = "0.1.0"
    package static let summary = "A file of principals: hashed tokens, unix users, client certificates"

    package init(configuration: NoConfiguration, host: Host) throws {}
}
