internal import NIOCore
internal import PluginABI

/// What a request's position depends on and only the log can tell.
extension LogOpening {
    /// A look lasts 100 ms at most.
    private static let looks = 50

    /// The cursor of the first entry that a query gives; nil when there is none, or it is not found in a few looks.
    func firstCursor(_ query: LogQuery) async throws -> [UInt8]? {
        var query = query
        query.limit = 1
        var silent = self
        silent.onEntries = { _ in }
        let stream = try await silent.stream(query, needs: UInt32(LOGHOST_NEEDS_CURSOR)).stream
        defer { stream.close() }
        var scratch = ByteBuffer()
        var looks = 0
        while stream.fill(&scratch) == .searching, looks < Self.looks {
            looks += 1
            try self.checkClient()
        }
        // Else the place is that of an entry that was left out.
        guard stream.entriesGiven > 0, case .cursor(let cursor) = stream.place else { return nil }
        return cursor
    }

    /// True when the entry of the query's cursor does not pass its filter: a step back from it is no step over it.
    func cursorIsHidden(_ query: LogQuery) async throws -> Bool {
        guard !query.filter.clauses.isEmpty else { return false }
        var own = query.unbounded
        own.skip = query.direction == .forward ? -1 : 1
        var unfiltered = own
        unfiltered.filter = LogFilter()
        let passing = try await self.firstCursor(own)
        return try await passing != self.firstCursor(unfiltered)
    }

    /// How many entries there are to step over towards newer ones, where another skip goes back from there; nil where none does.
    func stepsBeforeGoingBack() async throws -> UInt64? {
        guard let position = self.log.position, position.skips.next > 0, position.skips.prev > 0 else { return nil }
        var query = self.log.query.unbounded
        query.start = position.origin
        query.direction = .forward
        query.skip = Int64(clamping: position.skips.next)
        query.limit = 1
        let (stream, skipped) = try await self.stream(query)
        stream.close()
        return skipped
    }
}

extension LogQuery {
    /// The same position, whatever bounds or follows it.
    var unbounded: LogQuery {
        var query = self
        query.since = 0
        query.until = 0
        query.follow = false
        return query
    }
}
