internal import PluginKit

/// Says which resource ids of the IAM permit a route. A route is known by its template, never by the path a client spelled: no
/// `..`, `//` or `%2F` makes it another one.
package struct ResourceMap: Sendable {
    private struct Row: Sendable {
        let segments: [String]
        let resources: [String]
    }

    /// The longest prefix first.
    private let rows: [Row]
    private let superuser: [String]

    /// Checks a map from route prefixes to resource ids; throws a `PluginError` that names the key.
    package init(_ map: [String: [String]], superuser: String) throws {
        guard Self.isResource(superuser) else { throw PluginError(.invalid, "superuser: expected a resource id") }
        guard map.count <= 64 else { throw PluginError(.invalid, "rids: expected at most 64 prefixes") }
        var rows: [Row] = []
        for (prefix, resources) in map.sorted(by: { $0.key < $1.key }) {
            guard let segments = Self.segments(of: prefix) else {
                throw PluginError(
                    .invalid, "rids: expected prefixes of routes such as /v1/range or /system/v1/agent/{agent_id}/logs")
            }
            guard resources.count <= 8, resources.allSatisfy(Self.isResource) else {
                throw PluginError(.invalid, "rids.\(prefix): expected a list of at most 8 resource ids")
            }
            guard !rows.contains(where: { $0.segments == segments }) else {
                throw PluginError(.invalid, "rids.\(prefix): the same prefix as another")
            }
            rows.append(Row(segments: segments, resources: resources.filter { $0 != superuser } + [superuser]))
        }
        self.rows = rows.sorted { $0.segments.count > $1.segments.count }
        self.superuser = [superuser]
    }

    /// Returns what a node's role permits by default.
    package static func standard(for role: IAMConfiguration.Role) -> [String: [String]] {
        let logs = "dcos:adminrouter:ops:system-logs"
        let agent = "dcos:adminrouter:system:agent"
        return switch role {
        case .master: ["/": [logs], "/system/v1/logs": [logs], "/system/v1/agent/{agent_id}/logs": [agent]]
        // The gateways rewrite an agent's path away before it arrives here.
        case .agent, .agentPublic: ["/": [agent, logs]]
        }
    }

    /// Returns the resource ids of which any one permits the route, in the order to ask; never empty.
    package func resources(for route: String) -> [String] {
        let segments = route.split(separator: "/")
        return self.rows.first { Self.matches($0.segments, segments) }?.resources ?? self.superuser
    }

    private static func matches(_ prefix: [String], _ route: [Substring]) -> Bool {
        guard prefix.count <= route.count else { return false }
        for (mine, theirs) in zip(prefix, route) where mine != theirs {
            guard self.isVariable(mine[...]), self.isVariable(theirs) else { return false }
        }
        return true
    }

    private static func isVariable(_ segment: Substring) -> Bool { segment.utf8.first == 0x7B && segment.utf8.last == 0x7D }

    /// Splits a prefix; nil when no route can begin so.
    private static func segments(of prefix: String) -> [String]? {
        guard prefix.hasPrefix("/"), prefix.utf8.count <= 512 else { return nil }
        var segments = prefix.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if segments.last == "" { segments.removeLast() }
        for segment in segments {
            let isLiteral = segment.utf8.allSatisfy { isLetterOrDigit($0) || [0x2D, 0x2E, 0x5F, 0x7E].contains($0) }
            guard self.isVariable(segment[...]) || isLiteral, !["", ".", ".."].contains(segment) else { return nil }
        }
        return segments
    }

    private static func isResource(_ text: String) -> Bool {
        (1...512).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
