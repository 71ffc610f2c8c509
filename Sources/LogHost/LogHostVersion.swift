/// The version of the host.
package enum LogHostVersion {
    package static let text = "0.1.0"
}
