internal import NIOCore
internal import PluginABI

/// Opens a log for an answer: position, landing, what the source has not applied, and the first bytes.
package struct LogOpening: Sendable {
    let source: SourceHandle
    package let topic: [UInt8]
    let request: SourceRequest
    var log: LogRequest
    let encoding: Encoding
    let wakeID: UInt64
    /// Called with the cause of each gap.
    let onGap: @Sendable (String) -> Void
    /// Called with how many entries a piece of the answer has.
    var onEntries: @Sendable (Int) -> Void
    /// Entries that are not to be given again.
    private var given: Set<[UInt8]> = []
    /// Throws when nobody waits for the answer any more.
    let checkClient: @Sendable () throws -> Void
    /// How long entries may be stepped over before there is anything to give; nil = for ever.
    let searchTime: Duration?

    /// A log that is open, with its first bytes.
    package struct Opened: Sendable {
        var stream: LogStream
        var first: ByteBuffer
        var outcome: LogStream.Outcome
        /// Entries the landing really moved over.
        var moved: UInt64
        /// The same, each way.
        fileprivate(set) var skipped: (next: UInt64, prev: UInt64) = (0, 0)
        /// The first bytes are all, with what closes the answer: its reader is closed.
        private(set) var isWhole = false
        /// There were no entries.
        private(set) var isEmpty = false

        /// Completes a range that has come to its end already, while a worker is at it. On a worker.
        mutating func completeIfEnded() throws {
            guard !self.outcome.continues, self.outcome != .fault else { return }
            self.isEmpty = self.first.readableBytes == 0
            self.stream.close()
            try self.stream.finish(&self.first)
            self.isWhole = true
        }
    }

    package init(
        source: SourceHandle, topic: [UInt8], request: SourceRequest, log: LogRequest, encoding: Encoding, wakeID: UInt64,
        onGap: @escaping @Sendable (String) -> Void, onEntries: @escaping @Sendable (Int) -> Void = { _ in },
        checkClient: @escaping @Sendable () throws -> Void, searchTime: Duration? = nil
    ) {
        self.source = source
        self.topic = topic
        self.request = request
        self.log = log
        self.encoding = encoding
        self.wakeID = wakeID
        self.onGap = onGap
        self.onEntries = onEntries
        self.checkClient = checkClient
        self.searchTime = searchTime
    }

    /// What a search is checked with, now and then, that begins now: throws a 503 when it takes too long.
    func searchCheck() -> () throws -> Void {
        let deadline = self.searchTime.map { ContinuousClock.now + $0 }
        return {
            try self.checkClient()
            if let deadline, .now > deadline { throw Problem.searchTimeout }
        }
    }

    /// A negative skip that its source leaves to the host is looked for from the head, within this many entries.
    private static let backwardCapacity: UInt64 = 100_000

    /// Opens and reads the first chunk. On a worker.
    package func open() async throws -> Opened {
        do {
            var settled = self
            if let steps = try await self.stepsBeforeGoingBack() {
                settled.log.position?.clamped(next: steps).place(in: &settled.log)
            }
            var opened = try await settled.land(settled.log.query)
            opened.skipped = settled.log.skipHeaders(moved: opened.moved)
            return opened
        } catch var failure as PluginFailure where failure.code == LOGHOST_ERROR_CURSOR_GONE {
            if self.encoding.isRestricted { failure.detail = try await self.oldestCursor() }
            guard self.resumesAfterLoss else { throw failure }
            return try await self.openBehindLoss(failure)
        }
    }

    /// The oldest cursor that the filter lets pass: the source names the oldest of all. Empty when none is found in one look.
    private func oldestCursor() async throws -> String {
        var query = LogQuery()
        query.filter = self.log.query.filter
        return String(decoding: try await self.firstCursor(query) ?? [], as: UTF8.self)
    }

    /// Opens again where a follow stands, with so much left of its limit, and without entries it was given already. On a worker.
    package func open(at place: Place, limit: UInt64, leavingOut given: Set<[UInt8]>) async throws -> Opened {
        var again = self
        again.given = given
        again.log.landing = .boundary
        again.log.query.limit = limit
        again.log.query.skip = 0
        do {
            switch place {
            case .origin: throw PluginFailure.missingEntries
            case .head: again.log.query.start = .head
            case .lost(let cause): return try await again.openBehind(GapEvent(cause: cause, from: "", to: ""))
            case .cursor(let cursor):
                again.log.query.start = .cursor(cursor)
                again.log.query.resumes = true
            case .before(let cursor):
                var query = LogQuery()
                query.start = .cursor(cursor)
                query.skip = -1
                again.log.query.start = try await BackwardSkip(
                    opening: self, needs: self.encoding.begin().needs, capacity: Self.backwardCapacity
                ).find(query).start
            }
            return try await again.land(again.log.query)
        } catch let failure as PluginFailure where failure.code == LOGHOST_ERROR_CURSOR_GONE {
            guard self.encoding.isRestricted else { return try await again.openBehindLoss(failure) }
            // The place may be that of an entry that the filter hides.
            return try await again.openBehind(GapEvent(cause: "vacuum", from: "", to: ""))
        }
    }

    /// A browser that reconnects with an id would never come back from an error.
    private var resumesAfterLoss: Bool {
        self.log.query.resumes && self.encoding.encoder.isEventStream && self.log.query.follow
    }

    private func openBehindLoss(_ failure: PluginFailure) async throws -> Opened {
        var lost = ""
        // The client's own bytes: no longer than a cursor can be.
        if case .cursor(let cursor) = self.log.query.start, cursor.count <= Int(LOGHOST_CURSOR_CAPACITY) {
            lost = String(decoding: cursor, as: UTF8.self)
        }
        return try await self.openBehind(GapEvent(cause: "vacuum", from: lost, to: failure.detail))
    }

    /// Opens at the head and tells first that entries are missing.
    private func openBehind(_ gap: GapEvent) async throws -> Opened {
        guard self.encoding.encoder.isEventStream else { throw PluginFailure.missingEntries }
        var query = self.log.query
        query.start = .head
        query.skip = 0
        let stream = try await self.stream(query).stream
        var first = ByteBuffer()
        self.onGap(gap.cause)
        try stream.append(event: "gap", data: gap.data, to: &first)
        let outcome = stream.fill(&first)
        return Opened(stream: stream, first: first, outcome: outcome, moved: 0)
    }

    /// Carries out what the query alone cannot say.
    private func land(_ query: LogQuery) async throws -> Opened {
        var query = query
        /// The cursor's own entry is stepped over too, where it is one of those that are read.
        var own: UInt64 = 1
        if case .againstFromCursor = self.log.landing, try await self.cursorIsHidden(query) {
            own = 0
            query.skip -= query.skip.signum()
        }
        let (stream, skipped) = try await self.stream(query)
        switch self.log.landing {
        case .boundary:
            return self.firstBytes(of: stream, moved: skipped)
        case .againstFromEnd(let requested):
            return self.firstBytes(of: stream, moved: min(skipped, requested))
        case .againstFromCursor(let requested):
            if skipped > own || requested == 0 { return self.firstBytes(of: stream, moved: min(skipped &- own, requested)) }
            stream.close()
            var plain = query
            plain.skip = 0
            return self.firstBytes(of: try await self.stream(plain).stream, moved: 0)
        case .along(let requested):
            let check = self.searchCheck()
            var opened = self.firstBytes(of: stream, moved: requested)
            // The host itself may have to step over the entries.
            while opened.outcome == .searching, !query.follow {
                try check()
                opened.outcome = stream.fill(&opened.first)
            }
            guard opened.first.readableBytes == 0, stream.entriesGiven == 0, opened.outcome.isAtEnd else { return opened }
            if query.since != 0 || query.until != 0, try await self.firstCursor(query.unbounded) != nil {
                // There is one, beyond a bound.
                return opened
            }
            // Beyond the end: the last entry there is was landed on.
            guard skipped > 0 else {
                opened.moved = 0
                return opened
            }
            stream.close()
            var last = query
            last.start = query.direction == .forward ? .tail : .head
            last.skip = query.direction == .forward ? -1 : 1
            return self.firstBytes(of: try await self.stream(last).stream, moved: skipped)
        }
    }

    private func firstBytes(of stream: LogStream, moved: UInt64) -> Opened {
        var first = ByteBuffer()
        let outcome = stream.fill(&first)
        return Opened(stream: stream, first: first, outcome: outcome, moved: moved)
    }

    /// Opens a reader. Returns how many entries were stepped over, by the source or by the host.
    func stream(_ query: LogQuery, needs more: UInt32 = 0) async throws -> (stream: LogStream, skipped: UInt64) {
        let encoder = try self.encoding.begin()
        try self.checkClient()
        var query = query
        var needs = encoder.needs
        needs.bits |= more
        var opened = try await self.source.open(
            topic: self.topic, query: query, needs: needs, request: self.request, wakeID: self.wakeID)
        if query.direction == .backward, opened.applied & UInt32(LOGHOST_APPLIED_DIRECTION) == 0 {
            throw PluginFailure(code: LOGHOST_ERROR_UNSUPPORTED, message: "read_reverse: this log cannot be read in reverse.")
        }
        let appliesSkip = opened.applied & UInt32(LOGHOST_APPLIED_SKIP) != 0
        if query.direction == .backward, query.skip != 0, !appliesSkip {
            throw PluginFailure(code: LOGHOST_ERROR_UNSUPPORTED, message: "skip: this log cannot step over entries in reverse.")
        }
        if query.skip < 0, !appliesSkip, query.start != .head {
            opened.reader.close()
            let place = try await BackwardSkip(opening: self, needs: needs, capacity: Self.backwardCapacity).find(query)
            query.start = place.start
            query.skip = 0
            opened = try await self.source.open(
                topic: self.topic, query: query, needs: needs, request: self.request, wakeID: self.wakeID)
            opened.skipped = place.skipped
        } else if query.skip > 0, !appliesSkip {
            // Stepped over while reading; the landing asks only whether there was anything.
            opened.skipped = UInt64(query.skip)
        }
        let stream = LogStream(
            opened, query: query, encoding: self.encoding, encoder: encoder, leavingOut: self.given, onGap: self.onGap,
            onEntries: self.onEntries)
        return (stream, opened.skipped)
    }
}

extension LogStream.Outcome {
    /// True when nothing more is there now.
    var isAtEnd: Bool {
        switch self {
        case .end, .caughtUp: true
        case .more, .searching, .pending, .limit, .fault: false
        }
    }
}

extension Problem {
    static let searchTimeout = Problem(
        503, "The search found nothing in the time allowed; a narrower one may.", retryAfter: 5)
}
