/// An exact match of one field's value.
package struct LogMatch: Hashable, Sendable {
    package var name: [UInt8]
    package var value: [UInt8]

    package init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }

    package init(_ name: String, _ value: String) {
        self.init(name: Array(name.utf8), value: Array(value.utf8))
    }
}

/// Which entries are wanted: an AND of ORs of exact matches. Without a clause every entry passes.
package struct LogFilter: Hashable, Sendable {
    package var clauses: [[LogMatch]]

    package init(clauses: [[LogMatch]] = []) {
        self.clauses = clauses
    }

    /// Narrows by another filter.
    package func and(_ other: LogFilter) -> LogFilter {
        LogFilter(clauses: self.clauses + other.clauses)
    }
}

/// What to read, in the terms of the ABI's `loghost_query`: positions are boundaries between entries.
package struct LogQuery: Hashable, Sendable {
    package enum Start: Hashable, Sendable {
        case head
        case tail
        case cursor([UInt8])
        /// Before the first entry at or after this time.
        case time(microseconds: UInt64)
    }

    package enum Direction: Hashable, Sendable {
        case forward
        case backward
    }

    package var start: Start = .head
    /// Towards newer when positive, towards older when negative, whatever the direction.
    package var skip: Int64 = 0
    /// 0 = no limit.
    package var limit: UInt64 = 0
    package var direction: Direction = .forward
    package var follow = false
    /// The start is the id of an event that the client was given.
    package var resumes = false
    /// Microseconds since the epoch; 0 = no bound.
    package var since: UInt64 = 0
    /// Microseconds since the epoch, inclusive; 0 = no bound.
    package var until: UInt64 = 0
    package var filter = LogFilter()

    package init() {}
}
