internal import PluginKit

/// What a listing says of one file.
struct FileFacts: Hashable, Sendable {
    /// The whole path.
    var path: String
    var mode: String
    var modified: Int64
    var links: UInt64
    var size: UInt64
    var user: String
    var group: String
    /// Nil where the agent has listed it.
    var identity: FileIdentity?

    var name: String { pathSegments(self.path).last ?? "" }

    /// Anything else must not be read: a FIFO stops all reading at that agent.
    var isRegular: Bool { self.mode.hasPrefix("-") }

    static let notRegular = PluginError(.notFound, "This is no regular file.")
}

extension FileFacts: Decodable {
    private enum CodingKeys: String, CodingKey {
        case path, mode, size, uid, gid, nlink, mtime
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.path = try values.decode(String.self, forKey: .path)
        self.mode = try values.decode(String.self, forKey: .mode)
        self.size = try values.decode(UInt64.self, forKey: .size)
        self.user = try values.decode(String.self, forKey: .uid)
        self.group = try values.decode(String.self, forKey: .gid)
        self.links = try values.decode(UInt64.self, forKey: .nlink)
        // Seconds as a float that has no fraction.
        self.modified = Int64(exactly: try values.decode(Double.self, forKey: .mtime).rounded(.down)) ?? 0
    }
}

extension FileFacts: Encodable {
    func encode(to encoder: any Swift.Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(self.group, forKey: .gid)
        try values.encode(self.mode, forKey: .mode)
        try values.encode(self.modified, forKey: .mtime)
        try values.encode(self.links, forKey: .nlink)
        try values.encode(self.path, forKey: .path)
        try values.encode(self.size, forKey: .size)
        try values.encode(self.user, forKey: .uid)
    }
}
