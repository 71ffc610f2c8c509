internal import PluginABI

/// An exact match of one field's value.
public struct Match: Hashable, Sendable {
    /// The field's name.
    public var name: [UInt8]
    /// The value it must have.
    public var value: [UInt8]

    /// Makes a match.
    public init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// Makes a match of text.
    public init(_ name: String, _ value: String) {
        self.init(name: Array(name.utf8), value: Array(value.utf8))
    }
}

/// Which entries are wanted: an AND of ORs of exact matches. Without a clause every entry passes.
public struct Filter: Hashable, Sendable {
    /// Each clause is true when one of its matches is.
    public var clauses: [[Match]]

    /// Makes a filter.
    public init(clauses: [[Match]] = []) {
        self.clauses = clauses
    }

    init(_ filter: loghost_filter) {
        self.clauses = unsafe UnsafeBufferPointer(start: filter.clauses, count: filter.clause_count).map { clause in
            unsafe UnsafeBufferPointer(start: clause.matches, count: clause.match_count).map {
                unsafe Match(name: $0.name.array, value: $0.value.array)
            }
        }
    }
}

/// What to read. A position is a boundary between two entries, never an entry.
///
/// Order of evaluation: start, then skip, then reading in `direction`, and of that only what lies within the bounds and
/// passes the filter, at most `limit` entries. Skip and limit count entries that pass the filter; skip disregards the bounds.
public struct Query: Hashable, Sendable {
    /// Where reading begins.
    public enum Start: Hashable, Sendable {
        /// Before the oldest entry.
        case head
        /// After the newest entry.
        case tail
        /// Beside the cursor's entry: behind it reading forward, before it reading backward.
        case cursor([UInt8])
        /// Before the first entry whose realtime is at or after this.
        case time(microseconds: UInt64)
    }

    /// Which way entries are read.
    public enum Direction: UInt32, Hashable, Sendable {
        /// Oldest first.
        case forward = 0
        /// Newest first.
        case backward = 1
    }

    /// What of an entry is used; a source may leave out the rest.
    public struct Needs: Hashable, Sendable {
        /// The cursor.
        public var cursor = true
        /// The time of day.
        public var realtime = true
        /// The time since the boot.
        public var monotonic = true
        /// Only these fields, of each at least the first; nil = all, in source order.
        public var fields: [[UInt8]]?

        /// Needs everything.
        public init() {}
    }

    /// Where reading begins.
    public var start = Start.head
    /// Towards newer when positive, towards older when negative, whatever the direction.
    public var skip: Int64 = 0
    /// 0 = no limit.
    public var limit: UInt64 = 0
    /// Which way entries are read.
    public var direction = Direction.forward
    /// True when the host will read on after `.caughtUp`.
    public var follow = false
    /// True when a start at a cursor is where a client's stream broke off, and no position that it chose.
    public var resumes = false
    /// Nothing before it, in microseconds since the epoch; 0 = no bound.
    public var since: UInt64 = 0
    /// Nothing after it, in microseconds since the epoch; 0 = no bound.
    public var until: UInt64 = 0
    /// Which entries are wanted.
    public var filter = Filter()
    /// What of an entry is used.
    public var needs = Needs()

    /// Reads everything from the head.
    public init() {}

    init(_ query: UnsafePointer<loghost_query>) throws {
        let query = unsafe query.pointee
        switch unsafe Int(query.start) {
        case LOGHOST_START_HEAD: self.start = .head
        case LOGHOST_START_TAIL: self.start = .tail
        case LOGHOST_START_CURSOR: self.start = unsafe .cursor(query.cursor.array)
        case LOGHOST_START_TIME: self.start = unsafe .time(microseconds: query.time_microseconds)
        default: throw PluginError(.unsupported, "The query starts in an unknown way.")
        }
        self.skip = unsafe query.skip
        self.limit = unsafe query.limit
        self.direction = unsafe query.direction == UInt32(LOGHOST_BACKWARD) ? .backward : .forward
        self.follow = unsafe query.follow != 0
        self.resumes = unsafe query.flags & UInt32(LOGHOST_QUERY_RESUMES) != 0
        self.since = unsafe query.since_microseconds
        self.until = unsafe query.until_microseconds
        self.filter = unsafe Filter(query.filter)
        let needs = unsafe Int(query.needs)
        self.needs.cursor = needs & LOGHOST_NEEDS_CURSOR != 0
        self.needs.realtime = needs & LOGHOST_NEEDS_REALTIME != 0
        self.needs.monotonic = needs & LOGHOST_NEEDS_MONOTONIC != 0
        if needs & LOGHOST_NEEDS_ALL_FIELDS == 0 {
            self.needs.fields = unsafe UnsafeBufferPointer(start: query.field_names, count: query.field_name_count).map {
                unsafe $0.array
            }
        }
    }
}
