package import PluginKit

/// Asks a DC/OS IAM who may read: tokens, and in an Enterprise cluster permissions.
package struct IAMPlugin: Plugin {
    package static let name = "auth-iam"
    package static let version = "0.1.0"
    package static let summary = "Tokens and permissions of a DC/OS IAM"

    package init(configuration: NoConfiguration, host: Host) throws {}
}
