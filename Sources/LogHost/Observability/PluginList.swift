internal import PluginABI

/// What `/plugins` answers: what is loaded, and how it fares.
struct PluginList {
    let site: Site
    let states: [PluginReadiness.Plugin]

    /// On a worker.
    func text() -> String {
        JSONText.object([
            ("version", .text(LogHostVersion.text)),
            ("plugins", .array(self.site.plugins.map { .object(self.members($0)) })),
        ]) + "\n"
    }

    private func members(_ plugin: PluginInstance) -> [(String, JSONText.Value)] {
        let library = plugin.library
        // Where it lies is nobody's business.
        let file = String(library.path.split(separator: "/").last ?? "")
        var members: [(String, JSONText.Value)] = [
            ("name", .text(plugin.name)), ("library", .text(library.name)), ("version", .text(library.version)),
            ("summary", .text(library.summary)), ("file", .text(file)),
            ("sha256", plugin.sha256.map { .text($0) } ?? .null),
            ("abi", .text("\(LOGHOST_ABI_MAJOR).\(library.abiMinor)")), ("kinds", .list(plugin.kinds)),
        ]
        if plugin.source != nil {
            let routes = plugin.routes.map { route -> JSONText.Value in
                .object([("method", .text(route.method)), ("path", .text(route.path)), ("summary", .text(route.summary))])
            }
            members.append(("routes", .array(routes)))
        }
        if !plugin.encoders.isEmpty {
            let formats = plugin.encoders.map { encoder -> JSONText.Value in
                .object([("name", .text(encoder.name)), ("content_type", .text(encoder.contentType))])
            }
            members.append(("formats", .array(formats)))
        }
        if let state = self.states.first(where: { $0.name == plugin.name }) { members += state.members.dropFirst() }
        members.append(("errors", .number(UInt64(plugin.metrics.errorCount))))
        return members
    }
}
