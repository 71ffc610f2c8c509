/// What a test wants of the program, as far as it is not the same for all.
struct LogHostConfiguration: Sendable {
    /// The `config` of the journald plugin: one key and its value.
    var journal: (key: String, value: String)
    /// Who reads it, unless that is all the same.
    var reader: String?
    /// Also listens on a TCP port of 127.0.0.1.
    var listensOnTCP = false
    /// Lines under `listen`, behind those that are always there.
    var moreListen: [String] = []
    /// Keys and values under `limits`.
    var limits: [String: String] = [:]
    /// Keys and values under `streams`.
    var streams: [String: String] = ["keep_alive": "300ms"]
    /// Lines under `plugins`, behind the two that are always there.
    var morePlugins: [String] = []
    /// A program that starts the program, with its arguments.
    var launcher: [String] = []
    /// Options of `serve`.
    var options: [String] = []
    /// Lines at the end.
    var more: [String] = []

    init(directory: String) { self.journal = ("directory", directory) }
    init(namespace: String) { self.journal = ("namespace", namespace) }

    func yaml(socket: String, port: UInt16?, plugins: String) -> String {
        var lines = ["listen:", "  - unix:\(socket)"]
        if let port { lines.append("  - tcp://127.0.0.1:\(port)") }
        lines += self.moreListen + ["plugin_path:", "  - \(plugins)", "plugins:"]
        lines += ["  - name: journald", "    library: libloghost-journald.so"]
        lines += ["    config:", "      \(self.journal.key): \(self.journal.value)"]
        if let reader { lines.append("      reader: \(reader)") }
        lines += ["  - name: encoders", "    library: libloghost-encoders.so"] + self.morePlugins
        for (section, values) in [("limits", self.limits), ("streams", self.streams)] where !values.isEmpty {
            lines.append("\(section):")
            lines += values.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
        }
        return (lines + self.more + [""]).joined(separator: "\n")
    }
}
