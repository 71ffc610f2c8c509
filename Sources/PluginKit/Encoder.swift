internal import PluginABI

/// An output format, as data.
public struct Encoding: Sendable {
    /// For `?format=`: `[a-z0-9-]`.
    public var name: String
    /// `Content-Type`, as sent.
    public var contentType: String
    /// Types it is chosen for, most preferred first, without parameters.
    public var mediaTypes: [String]
    /// True for `text/event-stream` and its like: follows by `Accept`, takes named events.
    public var isEventStream: Bool
    /// What it is, in one sentence.
    public var summary: String

    /// Makes a format.
    public init(name: String, contentType: String, mediaTypes: [String], isEventStream: Bool = false, summary: String) {
        self.name = name
        self.contentType = contentType
        self.mediaTypes = mediaTypes
        self.isEventStream = isEventStream
        self.summary = summary
    }
}

/// How an answer is to be written.
public struct EncodeOptions: Sendable {
    /// The answer can be resumed: write cursors as ids.
    public var ids = false
    /// Lose nothing: repeated fields, and bytes that are no text.
    public var exactValues = false
    /// The source is lines of files, not journal entries.
    public var lines = false
    /// The answer is a follow: the bytes of an entry must depend on the entry and these options alone, because it is encoded once for all.
    /// A format that cannot do that throws `.unsupported` in `init`.
    public var follow = false

    /// The default: text values, no ids, journal entries.
    public init() {}

    init(flags: UInt32) {
        self.ids = Int(flags) & LOGHOST_ENCODE_IDS != 0
        self.exactValues = Int(flags) & LOGHOST_ENCODE_EXACT_VALUES != 0
        self.lines = Int(flags) & LOGHOST_ENCODE_LINES != 0
        self.follow = Int(flags) & LOGHOST_ENCODE_FOLLOW != 0
    }
}

/// How far an encoder has come with an entry.
public enum EncodeProgress: Sendable {
    /// The entry is written whole, or left out.
    case done
    /// The buffer is full: call again with the same entry.
    case more
}

/// A named event of an event stream.
public struct Event: Sendable {
    /// `gap`, `fault`, `end`.
    public var name: String
    /// A JSON object.
    public var data: String
    /// Empty = none.
    public var id: String

    /// Makes an event.
    public init(name: String, data: String, id: String = "") {
        self.name = name
        self.data = data
        self.id = id
    }
}

/// Writes one answer in one format. An instance is the state of one answer; its calls never overlap.
public protocol Encoder: Sendable {
    /// The format.
    static var encoding: Encoding { get }

    /// Begins an answer.
    init(options: EncodeOptions) throws

    /// What it reads of an entry. Asked once.
    var needs: Query.Needs { get }
    /// What a silent follow sends as a sign of life; empty = nothing. Asked once.
    var keepAlive: [UInt8] { get }

    /// Writes an entry, or as much of it as fits.
    mutating func encode(_ entry: borrowing Entry, into sink: inout Sink) throws -> EncodeProgress
    /// Writes a named event; only called for event streams, and at least 4,096 bytes are free.
    mutating func encode(_ event: Event, into sink: inout Sink) throws
    /// Writes what closes a complete answer; at least 4,096 bytes are free.
    mutating func finish(into sink: inout Sink) throws
}

extension Encoder {
    /// By default everything.
    public var needs: Query.Needs { Query.Needs() }
    /// By default nothing.
    public var keepAlive: [UInt8] { [] }
    /// By default nothing: a format without named events.
    public mutating func encode(_ event: Event, into sink: inout Sink) throws {}
    /// By default nothing.
    public mutating func finish(into sink: inout Sink) throws {}
}
