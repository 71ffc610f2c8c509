internal import PluginKit

/// Where a handle stands in terms of boundaries.
///
/// libsystemd stands *on* entries: `isPending` says that the current one has not been read yet, so that the boundary
/// lies before it in the direction of reading; otherwise the boundary lies behind it.
struct JournalPosition {
    var isPending = false
    /// Nothing lies in the direction of reading: back from the head, where libsystemd would give any entry.
    var isAtEnd = false
    /// Entries stepped over.
    var skipped: UInt64 = 0

    /// Seeks and skips as the query says. The handle's filter must be set.
    static func seek(_ query: Query, cursor: JournalCursor?, in handle: any JournalHandle) throws -> JournalPosition {
        let count = query.skip.magnitude
        let move: Query.Direction = query.skip < 0 ? .backward : .forward
        switch query.start {
        case .head: try handle.seekHead()
        case .tail:
            try handle.seekTail()
            // Standing on the last entry, and not "at the tail", is what later entries come after.
            if query.skip >= 0, query.direction == .forward, try !handle.previous() { try handle.seekHead() }
        case .time(let microseconds):
            // Going back, libsystemd begins with the last entry at or before the time it was given.
            let goesBack = count > 0 ? move == .backward : query.direction == .backward
            try handle.seek(realtime: goesBack && microseconds > 0 ? microseconds - 1 : microseconds)
        case .cursor:
            guard let cursor else { throw PluginError(.internalFault, "The query has no cursor.") }
            return try Self.seek(cursor, query, in: handle)
        }
        if case .tail = query.start, query.skip >= 0 { return JournalPosition() }
        if case .head = query.start, query.skip <= 0 { return JournalPosition(isAtEnd: query.direction == .backward) }
        let skipped = try handle.skip(count, move)
        // From the tail of nothing libsystemd would come to no entry that is written later.
        if skipped == 0, move == .backward, query.direction == .forward, case .tail = query.start { try handle.seekHead() }
        // Having moved against the direction of reading, the entry stood on is the first to be read.
        return JournalPosition(isPending: skipped > 0 && move != query.direction, skipped: skipped)
    }

    private static func seek(_ cursor: JournalCursor, _ query: Query, in handle: any JournalHandle) throws -> JournalPosition {
        let count = query.skip.magnitude
        let move: Query.Direction = query.skip < 0 ? .backward : .forward
        try handle.seek(cursor)
        let found = query.direction == .forward ? try handle.next() : try handle.previous()
        // Not on the cursor's entry: it does not pass the filter, and this is the first one behind it, if any.
        let isOnEntry = try found && handle.isAt(cursor)
        guard count > 0 else { return JournalPosition(isPending: found && !isOnEntry) }
        if move == query.direction {
            // The first one behind the cursor counts, when that is where we stand.
            let first: UInt64 = found && !isOnEntry ? 1 : 0
            return JournalPosition(skipped: first + (found ? try handle.skip(count - first, move) : 0))
        }
        if isOnEntry {
            // The boundary lies behind the cursor's entry: that is the first to step back over.
            return JournalPosition(isPending: true, skipped: 1 + (try handle.skip(count - 1, move)))
        }
        if !found { try move == .backward ? handle.seekTail() : handle.seekHead() }
        let skipped = try handle.skip(count, move)
        return JournalPosition(isPending: skipped > 0 || found, skipped: skipped)
    }
}
