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
        let segments = pathSegments(rest)
        guard segments.count > 1, ["v1", "v2"].contains(segments[0]), !segments.contains("."), !segments.contains("..") else {
            throw PluginError(.notFound, "There is nothing here.")
        }
        // As it came: a slash within a segment must stay what it is.
        let path =
            request.path.hasPrefix("\(Self.prefix)/")
            ? request.path.utf8.dropFirst(Self.prefix.utf8.count) : request.path.utf8[...]
        let parts = path.split(separator: UInt8(ascii: "/"), maxSplits: 6, omittingEmptySubsequences: false)
        guard parts.count == 7, let end = parts.last.map({ String(decoding: $0, as: UTF8.self) }) else {
            throw PluginError(.internalFault, "The request has no path.")
        }
        guard end.hasPrefix("v1/") || end.hasPrefix("v2/") else { throw PluginError(.notFound, "There is nothing here.") }
        self.target = "\(Self.prefix)/\(end)" + (request.query.isEmpty ? "" : "?\(request.query)")
    }
}
