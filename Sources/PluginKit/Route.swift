internal import PluginABI

/// One route of a source, as data: enough to match it, to parse its parameters and to document it.
public struct Route: Sendable {
    /// How the URL's parameters are spelled.
    public enum Dialect: UInt32, Sendable {
        /// The answer is no log.
        case none = 0
        /// `skip_next`, `skip_prev`, `read_reverse`, `cursor`, `limit`, `filter`.
        case journalV1 = 1
        /// `skip=±n`, `cursor=BEG|END|c`, `limit`, `filter`.
        case journalV2 = 2
        /// As `journalV2`, for lines of files: no filter, and an empty answer is 200.
        case lines = 3
    }

    /// When an answer goes on for ever.
    public enum Follow: UInt32, Sendable {
        /// Never by itself.
        case never = 0
        /// Always.
        case always = 1
        /// When the negotiated encoder is an event stream.
        case byAccept = 2
    }

    /// Parameters beyond the dialect's own.
    public struct Accepts: OptionSet, Sendable {
        /// The bits of the ABI.
        public let rawValue: UInt32
        /// Takes the bits of the ABI.
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// `follow=true` on a range.
        public static let follow = Accepts(rawValue: 1 << 0)
        /// `since=` and `until=`.
        public static let bounds = Accepts(rawValue: 1 << 1)
        /// `postfix=`, part of the file name.
        public static let postfix = Accepts(rawValue: 1 << 2)
        /// The `Last-Event-ID` header.
        public static let lastEventID = Accepts(rawValue: 1 << 3)
        /// `read_reverse=`, where the dialect has it.
        public static let reverse = Accepts(rawValue: 1 << 4)
    }

    /// Properties of the answer.
    public struct Flags: OptionSet, Sendable {
        /// The bits of the ABI.
        public let rawValue: UInt32
        /// Takes the bits of the ABI.
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// Events carry ids also on ranges; follows always do.
        public static let ids = Flags(rawValue: 1 << 0)
        /// The answer has `X-Journal-Skip-*` headers.
        public static let skipHeaders = Flags(rawValue: 1 << 1)
        /// An answer that is no log and applies an authorizer's filter itself.
        public static let appliesFilter = Flags(rawValue: 1 << 2)
    }

    /// The plugin's own name for the route, given back in the request.
    public var id: UInt32
    /// The path's template: `/v2/component/{name}`; a last segment `{name...}` takes several segments.
    public var path: String
    /// What it answers, in one sentence.
    public var summary: String
    /// How its parameters are spelled.
    public var dialect: Dialect = .none
    /// When it goes on for ever.
    public var follow: Follow = .never
    /// Parameters beyond the dialect's own.
    public var accepts: Accepts = []
    /// Properties of the answer.
    public var flags: Flags = []
    /// A fixed encoder by name; empty = negotiated.
    public var encoding = ""
    /// `gzip`, or empty.
    public var coding = ""
    /// The attachment's name, `{variable}` and `{-postfix}` replaced; empty = none.
    public var fileName = ""

    /// Makes a route.
    public init(id: UInt32, path: String, summary: String) {
        self.id = id
        self.path = path
        self.summary = summary
    }

    func export(in arena: Arena) -> loghost_route {
        unsafe loghost_route(
            size: UInt32(MemoryLayout<loghost_route>.size), id: self.id, method: arena.bytes("GET"), path: arena.bytes(self.path),
            dialect: self.dialect.rawValue, follow: self.follow.rawValue, accepts: self.accepts.rawValue,
            flags: self.flags.rawValue,
            encoding: arena.bytes(self.encoding), coding: arena.bytes(self.coding), file_name: arena.bytes(self.fileName),
            summary: arena.bytes(self.summary))
    }
}
