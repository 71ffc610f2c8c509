internal import PluginKit

/// What an agent's sandboxes are read through.
///
/// Paths are absolute, as `Sandbox` makes them. Failures are `PluginError`s: `.notFound` for what is not there.
protocol SandboxFiles: Sendable {
    /// Reads from an offset, at most `length` bytes; fewer where the server chooses so, none at the end of the file and beyond.
    func read(_ path: String, at offset: UInt64, length: Int) async throws -> [UInt8]

    /// Lists a directory as it is now.
    func list(_ directory: String) async throws -> [FileFacts]

    /// Lists a directory as it is, or was a moment ago.
    func recentList(_ directory: String) async throws -> [FileFacts]

    /// How many bytes one read gives at most.
    var readCapacity: Int { get }

    /// Opens a regular file to keep it, where files are this node's own; nil where a server is asked for each read.
    func keep(_ path: String) async throws -> KeptFile?

    /// Which regular file has this name now; nil for none. Asked only where files are kept.
    func identity(of path: String) async throws -> FileIdentity?

    /// Calls a function whenever a file changes, comes or goes, as long as the result lives. Nil where nobody tells that.
    func watch(_ name: String, in directory: String, onChange: @escaping @Sendable () -> Void) async throws -> FileWatch?

    /// True once reads that ask for `readCapacity` are known to give so much: then one that gives less has met the end.
    var givesWholeReads: Bool { get }
}

extension SandboxFiles {
    func keep(_ path: String) async throws -> KeptFile? { nil }

    func identity(of path: String) async throws -> FileIdentity? { nil }

    func watch(_ name: String, in directory: String, onChange: @escaping @Sendable () -> Void) async throws -> FileWatch? { nil }

    /// Reads so many bytes, in as many pieces as the server makes of them; fewer only at the end of the file.
    func bytes(of path: String, at offset: UInt64, count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let piece = try await self.read(path, at: offset + UInt64(bytes.count), length: count - bytes.count)
            if piece.isEmpty { break }
            bytes += piece
        }
        return bytes
    }
}
