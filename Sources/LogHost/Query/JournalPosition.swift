/// Where a client of the journal dialects wants to begin, before it is said in boundaries.
struct JournalPosition {
    private enum Anchor {
        case unspecified
        /// BEG: differs from no cursor only in reading backward, where there is nothing before it.
        case beginning
        case cursor([UInt8])
    }

    private var anchor = Anchor.unspecified
    private(set) var skips: Skips

    /// Takes a cursor, as it was decoded from the query, and the skips beside it.
    ///
    /// Throws a 400 naming `cursor` where its second percent-encoding is broken.
    init(cursor: [UInt8]?, next: UInt64, prev: UInt64) throws(Problem) {
        self.skips = Skips(next: next, prev: prev)
        switch try CursorParameter.parse(cursor) {
        case .none:
            break
        case .beginning:
            self.anchor = .beginning
        case .end:
            // The last entry is one back from the tail, and no way leads on from there.
            self.skips = Skips(next: 0, prev: max(prev, 1))
        case .opaque(let bytes):
            self.anchor = .cursor(bytes)
            self.skips.fromCursor = true
        }
    }

    /// Begins beside the entry of an event's id.
    init(resumingAt id: [UInt8]) {
        self.anchor = .cursor(id)
        self.skips = Skips(fromCursor: true)
    }

    /// Where skips are counted from, towards newer entries.
    var origin: LogQuery.Start {
        if case .cursor(let cursor) = self.anchor { .cursor(cursor) } else { .head }
    }

    /// The same, with no more steps towards newer entries than there are.
    func clamped(next: UInt64) -> JournalPosition {
        var position = self
        position.skips.next = min(next, self.skips.next)
        return position
    }

    /// Writes start, skip and landing for the query's direction, which must have been set.
    func place(in request: inout LogRequest) {
        request.position = self
        request.query.skip = 0
        request.landing = .boundary
        let net = self.skips.net
        let forward = request.query.direction == .forward
        let near: LogQuery.Start = forward ? .head : .tail
        let far: LogQuery.Start = forward ? .tail : .head
        let isAlong = (net > 0) == forward

        // A magnitude is at most Int64.max here, so one more or less stays in UInt64, and a clamped one can be negated.
        switch (self.anchor, net.magnitude) {
        case (.unspecified, 0):
            request.query.start = near
        case (.beginning, 0):
            request.query.start = .head
        case (.cursor(let cursor), 0):
            request.query.start = .cursor(cursor)
        case (.cursor(let cursor), let count):
            request.query.start = .cursor(cursor)
            request.landing = isAlong ? .along(requested: count) : .againstFromCursor(requested: count)
            request.query.skip = Self.signed(isAlong ? count - 1 : count + 1, newer: net > 0)
        case (.unspecified, let count), (.beginning, let count):
            request.query.start = isAlong ? near : far
            request.landing = isAlong ? .along(requested: count) : .againstFromEnd(requested: count)
            request.query.skip = Self.signed(isAlong ? count - 1 : count, newer: net > 0)
        }
    }

    private static func signed(_ count: UInt64, newer: Bool) -> Int64 {
        let steps = Int64(clamping: count)
        return newer ? steps : -steps
    }
}
