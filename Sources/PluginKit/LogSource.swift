/// A log source: routes, what a request is for, and readers.
///
/// Its functions run on the host's worker threads: they may block on a local disk, never on the network and never for
/// news. Several may run at once; calls into one reader never overlap.
public protocol LogSource: Sendable {
    /// The routes it serves. Asked once, before and without `start`.
    var routes: [Route] { get }
    /// Finds out what a request is for.
    func resolve(_ request: Request) throws -> Resolution
    /// Makes a positioned reader of a topic that `resolve` named. The query's filter already holds the resolution's.
    func open(topic: [UInt8], query: Query, request: Request, wake: Wake) throws -> Opened
    /// One line for a shell that gives an operator of this node what the query gives; nil where there is none. Clients see it: no token,
    /// no path, no address. It reads nothing.
    func command(topic: [UInt8], query: Query) -> String?
}

extension LogSource {
    /// There is none.
    public func command(topic: [UInt8], query: Query) -> String? { nil }
}

/// A log source that has to ask other servers: as `LogSource`, but its functions may await and must not block: after their first wait
/// they run on the shared cooperative pool. Its readers are read on worker threads like any other's: they answer `.pending` instead of waiting.
///
/// Both functions are cancelled when the host no longer waits.
public protocol AsyncLogSource: Sendable {
    /// The routes it serves. Asked once, before and without `start`.
    var routes: [Route] { get }
    /// Finds out what a request is for. The wake is for a `ByteReader` it may answer with.
    func resolve(_ request: Request, wake: Wake) async throws -> Resolution
    /// Makes a positioned reader of a topic that `resolve` named. The query's filter already holds the resolution's.
    func open(topic: [UInt8], query: Query, request: Request, wake: Wake) async throws -> Opened
}

/// What `open` made, and what it has taken over of the query; the host does the rest.
public struct Opened {
    /// The parts of a query a reader may take over. Skip and limit only together with the whole filter. The host does
    /// not make up for `direction`: without it, backward queries must be refused with `.unsupported`.
    public struct Applied: OptionSet, Sendable {
        /// The bits of the ABI.
        public let rawValue: UInt32
        /// Takes the bits of the ABI.
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// The whole filter.
        public static let filter = Applied(rawValue: 1 << 0)
        /// The skip.
        public static let skip = Applied(rawValue: 1 << 1)
        /// The limit.
        public static let limit = Applied(rawValue: 1 << 2)
        /// `since` and `until`.
        public static let bounds = Applied(rawValue: 1 << 3)
        /// Reading backward.
        public static let direction = Applied(rawValue: 1 << 4)
    }

    /// The reader; the host reads it from one thread at a time and releases it when it is done.
    public var reader: any LogReader
    /// What the reader does itself.
    public var applied: Applied
    /// How many entries were really stepped over, at most the query's skip.
    public var skipped: UInt64

    /// Makes the answer of `open`.
    public init(reader: any LogReader, applied: Applied = [], skipped: UInt64 = 0) {
        self.reader = reader
        self.applied = applied
        self.skipped = skipped
    }
}

/// One position in one log. Closed by being released.
public protocol LogReader: AnyObject {
    /// Appends the next entries, in order, within the limits; see `ReadOutcome` for what else it can say.
    func read(into batch: inout BatchBuilder, limits: ReadLimits) throws -> ReadOutcome
    /// True when the next batch shall be read on another thread while the host works with a full one. Calls still never overlap. Worth it
    /// where reading costs as much as encoding, and not for a follow: whether there is anything new is asked when it is asked.
    var readsAhead: Bool { get }
}

extension LogReader {
    /// Reads when the host asks.
    public var readsAhead: Bool { false }
}

/// How much one `read` may do. After any of them the reader returns what it has.
public struct ReadLimits: Sendable {
    /// Entries.
    public var entries: Int
    /// Bytes of names and values; one entry may exceed it alone.
    public var bytes: Int
    /// Time of searching without finding.
    public var searching: Duration
    /// A longer value is cut here.
    public var valueBytes: Int

    /// Makes limits.
    public init(entries: Int, bytes: Int, searching: Duration = .milliseconds(100), valueBytes: Int = 64 << 20) {
        self.entries = entries
        self.bytes = bytes
        self.searching = searching
        self.valueBytes = valueBytes
    }
}

/// What a `read` says.
public enum ReadOutcome: Sendable {
    /// The batch holds entries; an empty one means: still searching, call again.
    case batch
    /// More is on its way: the reader calls its `Wake`.
    case pending
    /// Nothing newer now; look again on `Wake`, or after this long (nil = only on `Wake`).
    case caughtUp(recheckAfter: Duration?)
    /// Nothing newer ever.
    case end
    /// Entries are missing here; reading goes on behind the hole.
    case gap(Gap)
}

/// A hole in the log.
public struct Gap: Hashable, Sendable {
    /// Why entries are missing.
    public enum Cause: UInt32, Sendable {
        /// The file was replaced.
        case rotation = 1
        /// Old files were deleted.
        case vacuum = 2
        /// The file was cut.
        case truncation = 3
        /// The source failed.
        case sourceError = 4
    }

    /// Why entries are missing.
    public var cause: Cause
    /// The last cursor before the hole; empty = the start.
    public var from: [UInt8]
    /// The first cursor after it; empty = not known yet.
    public var to: [UInt8]
    /// How many are missing; nil = unknown.
    public var count: UInt64?

    /// Makes a gap.
    public init(cause: Cause, from: [UInt8], to: [UInt8], count: UInt64? = nil) {
        self.cause = cause
        self.from = from
        self.to = to
        self.count = count
    }
}
