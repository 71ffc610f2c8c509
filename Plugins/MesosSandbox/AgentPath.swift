internal import PluginKit

/// A request for what an agent serves: `/system/v1/agent/{agent_id}/logs{rest}`.
struct AgentPath: Hashable, Sendable {
    var agent: String
    /// Where that agent has it, as it came: still encoded, with the query.
    var target: String

    private static let prefix = "/system/v1/logs"

    /// Throws 404 for what no LogHost serves.
    init(_ request: Request) throws {
        guard let agent = request["agent_id"], let rest = request["rest"] else {
            throw PluginError(.internalFault, "The route has no agent.")
        }
        self.agent = agent
        let segments = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count > 1, ["v1", "v2"].contains(segments[0]), !segments.contains("."), !segments.contains("..") else {
            throw PluginError(.notFound, "There is nothing here.")
        }
        // As it came: a slash within a segment must stay what it is.
        let path = request.path.hasPrefix("\(Self.prefix)/") ? request.path.dropFirst(Self.prefix.count) : request.path[...]
        let parts = path.split(separator: "/", maxSplits: 6, omittingEmptySubsequences: false)
        guard parts.count == 7 else { throw PluginError(.internalFault, "The request has no path.") }
        guard parts[6].hasPrefix("v1/") || parts[6].hasPrefix("v2/") else {
            throw PluginError(.notFound, "There is nothing here.")
        }
        self.target = "\(Self.prefix)/\(parts[6])" + (request.query.isEmpty ? "" : "?\(request.query)")
    }
}
