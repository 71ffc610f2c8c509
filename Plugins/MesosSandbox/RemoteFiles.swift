internal import PluginKit

/// The files API of this node's agent, asked with one caller's token.
struct RemoteFiles: SandboxFiles {
    let agent: Agent
    let token: String

    var readCapacity: Int { Self.capacity }
    var givesWholeReads: Bool { self.agent.givesWholeReads }

    /// What the agent gives at once with pages of 4 KiB, and more with larger ones.
    static let capacity = 65_536

    func read(_ path: String, at offset: UInt64, length: Int) async throws -> [UInt8] {
        try await self.agent.read(path, at: offset, length: min(length, Self.capacity), token: self.token)
    }

    func list(_ directory: String) async throws -> [FileFacts] {
        try await self.agent.listings.fresh(Agent.Question(token: self.token, text: directory))
    }

    func recentList(_ directory: String) async throws -> [FileFacts] {
        try await self.agent.listings(Agent.Question(token: self.token, text: directory))
    }
}
