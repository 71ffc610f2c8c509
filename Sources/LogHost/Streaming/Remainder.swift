internal import PluginABI

/// What a source has not taken over of a query: filter, bounds and forward skip, applied entry by entry.
/// The limit is counted by the stream, whoever applies it.
struct Remainder {
    enum Verdict {
        case give
        case leaveOut
        /// The far bound is passed: nothing more comes.
        case end
    }

    private let filter: HostFilter?
    private let since: UInt64
    private let until: UInt64
    private let direction: LogQuery.Direction
    private let follows: Bool
    private var skip: UInt64
    /// The pieces that follow share the verdict of the first.
    private var pieceVerdict: Verdict?
    /// True when every entry passes and nothing is counted.
    private(set) var isEmpty = false

    init(_ query: LogQuery, applied: UInt32) {
        func isApplied(_ part: Int) -> Bool { applied & UInt32(part) != 0 }
        self.filter = isApplied(LOGHOST_APPLIED_FILTER) || query.filter.clauses.isEmpty ? nil : HostFilter(filter: query.filter)
        let hasBounds = !isApplied(LOGHOST_APPLIED_BOUNDS)
        self.since = hasBounds ? query.since : 0
        self.until = hasBounds ? query.until : 0
        self.direction = query.direction
        self.follows = query.follow
        self.skip = isApplied(LOGHOST_APPLIED_SKIP) || query.skip <= 0 ? 0 : UInt64(query.skip)
        self.endSkip(leaving: self.skip)
    }

    var isSkipping: Bool { self.skip > 0 }

    /// Ends the skip, or leaves a part of it to be done.
    mutating func endSkip(leaving left: UInt64 = 0) {
        self.skip = left
        self.isEmpty = self.filter == nil && self.since == 0 && self.until == 0 && self.skip == 0
    }

    /// Judges the next entry of the source.
    mutating func judge(_ entry: UnsafePointer<loghost_entry>) -> Verdict {
        let flags = unsafe Int(entry.pointee.flags)
        if flags & LOGHOST_ENTRY_CONTINUED != 0, let verdict = self.pieceVerdict {
            if flags & LOGHOST_ENTRY_CONTINUES == 0 { self.pieceVerdict = nil }
            return verdict
        }
        let verdict = unsafe self.judgeWhole(entry)
        self.pieceVerdict = flags & LOGHOST_ENTRY_CONTINUES != 0 ? verdict : nil
        return verdict
    }

    private mutating func judgeWhole(_ entry: UnsafePointer<loghost_entry>) -> Verdict {
        // A follow would wait for ever for an entry that passes.
        if self.follows, self.skip == 0, self.until != 0, unsafe entry.pointee.realtime_microseconds > self.until { return .end }
        if let filter, unsafe !filter.passes(entry) { return .leaveOut }
        if self.skip > 0 {
            if unsafe Int(entry.pointee.flags) & LOGHOST_ENTRY_NEWLINE == 0 { self.skip -= 1 }
            return .leaveOut
        }
        let time = unsafe entry.pointee.realtime_microseconds
        if time != 0 {
            if self.until != 0, time > self.until { return self.direction == .forward ? .end : .leaveOut }
            if self.since != 0, time < self.since { return self.direction == .forward ? .leaveOut : .end }
        }
        return .give
    }
}
