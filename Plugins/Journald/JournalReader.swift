internal import PluginKit

/// One query over the journal: filter, position, bounds and limit are all done here, by the journal's index where there is one.
final class JournalReader: LogReader {
    private let pool: HandlePool
    private let query: Query
    /// NUL-terminated names of the only fields needed; empty = all.
    private let fieldNames: [[CChar]]
    /// Nil when there is no journal at all.
    private var handle: (any JournalHandle)?
    private var isPending: Bool
    private var remaining: UInt64
    /// The entry the handle stands on, for a follow: where a fresh handle goes on. It has to be known before files go, because
    /// with its file the handle loses the place. Nil when nothing was ever found.
    private var last: JournalCursor?
    /// When an entry was last read.
    private var lastNews = ContinuousClock.now

    var readsAhead: Bool { !self.query.follow }

    private init(_ query: Query, pool: HandlePool, handle: (any JournalHandle)?, position: JournalPosition) {
        self.pool = pool
        self.query = query
        self.handle = handle
        self.isPending = position.isPending
        self.remaining = position.isAtEnd ? 0 : query.limit == 0 ? .max : query.limit
        self.fieldNames = (query.needs.fields ?? []).map { $0.map { CChar(bitPattern: $0) } + [0] }
    }

    deinit {
        if let handle { self.pool.give(handle) }
    }

    /// Opens a journal and stands at the query's position.
    static func open(_ query: Query, pool: HandlePool) throws -> Opened {
        let cursor = try Self.cursor(of: query)
        return try pool.attempt { try self.open(query, cursor, pool, $0) }
    }

    private static func cursor(of query: Query) throws -> JournalCursor? {
        if case .cursor(let bytes) = query.start { try JournalCursor(bytes) } else { nil }
    }

    private static func open(
        _ query: Query, _ cursor: JournalCursor?, _ pool: HandlePool, _ handle: (any JournalHandle)?
    ) throws -> Opened {
        var position = JournalPosition()
        if let handle {
            do {
                if let cursor { try Self.checkPresence(of: cursor, query.filter, in: handle) }
                try handle.setFilter(query.filter)
                position = try JournalPosition.seek(query, cursor: cursor, in: handle)
            } catch {
                if !(error is JournalDamage) { pool.give(handle) }
                throw error
            }
        } else if cursor != nil {
            throw PluginError(.cursorGone, "The cursor's entry is gone: there are no journal files.")
        }
        let reader = JournalReader(query, pool: pool, handle: handle, position: position)
        if query.follow { reader.last = (try? handle?.cursor()) ?? cursor }
        return Opened(reader: reader, applied: [.filter, .skip, .limit, .bounds, .direction], skipped: position.skipped)
    }

    /// Throws `.cursorGone` with the oldest cursor that passes the filter, unless the cursor's entry exists.
    private static func checkPresence(of cursor: JournalCursor, _ filter: Filter, in handle: any JournalHandle) throws {
        try handle.seek(cursor)
        if try handle.next(), try handle.isAt(cursor) { return }
        try handle.setFilter(filter)
        let oldest = try handle.hasEntries ? try handle.cursor().canonical : ""
        throw PluginError(.cursorGone, "The cursor's entry is no longer in the journal.", detail: oldest)
    }

    func read(into batch: inout BatchBuilder, limits: ReadLimits) throws -> ReadOutcome {
        if self.remaining == 0 { return .end }
        do {
            return try self.readMore(into: &batch, limits)
        } catch is JournalDamage {
            return try self.changeOver()
        }
    }

    private func readMore(into batch: inout BatchBuilder, _ limits: ReadLimits) throws -> ReadOutcome {
        // Without a handle files may have gone unread.
        if self.handle == nil, self.query.follow, let gap = try self.attach(hasReadAll: false) { return .gap(gap) }
        guard let handle else { return .caughtUp(recheckAfter: .seconds(1)) }
        if self.query.follow { handle.takeInFiles() }
        if let outcome = try self.readOn(handle, into: &batch, limits) { return outcome }
        guard self.query.follow else { return .caughtUp(recheckAfter: nil) }
        let newest = self.query.filter.clauses.isEmpty ? Newest.known : try self.lookAtNewest()
        // Only now, with nothing left to read: a file that has gone is still open here until note is taken of it.
        guard try self.pool.isOutdated(handle) else {
            if newest == .known { return self.caughtUp() }
            try self.resume(handle)
            return try self.readOn(handle, into: &batch, limits) ?? (newest == .beyond ? .end : .pending)
        }
        self.handle = nil
        self.pool.discard(handle)
        if let gap = try self.attach(hasReadAll: true) { return .gap(gap) }
        return .batch
    }

    /// Reads what the handle has; nil when there is nothing new.
    private func readOn(_ handle: any JournalHandle, into batch: inout BatchBuilder, _ limits: ReadLimits) throws -> ReadOutcome?
    {
        let deadline = ContinuousClock.now + limits.searching
        let wasPending = self.isPending
        var passed = 0
        handle.limitValues(limits.valueBytes)
        while batch.entryCount < limits.entries, batch.byteCount < limits.bytes, self.remaining > 0 {
            let isFound: Bool
            do {
                isFound = try self.move(handle)
            } catch is JournalDamage where batch.entryCount > 0 {
                // Met again by the next read, behind what is read now.
                break
            }
            guard isFound else {
                // A range ends at the first end it meets: looking again would ask every file again.
                if !self.query.follow { self.remaining = 0 }
                break
            }
            let realtime = try handle.realtime()
            if self.isBeyond(realtime) {
                if batch.entryCount == 0 { return .end }
                // Read again, it answers the same.
                self.isPending = true
                break
            }
            if self.isBefore(realtime) {
                passed &+= 1
                if passed & 255 == 0, ContinuousClock.now > deadline { return .batch }
                continue
            }
            do {
                try self.append(handle, realtime, to: &batch, limits)
            } catch is JournalDamage {
                batch.abandonEntry()
                guard batch.entryCount > 0 else { throw JournalDamage() }
                self.isPending = true
                break
            }
            self.remaining -= 1
        }
        guard batch.entryCount > 0 else { return nil }
        if self.query.follow, handle.hasPassedOver {
            // Read again, now with the file that has come meanwhile.
            self.remaining += UInt64(batch.entryCount)
            batch.abandonEntries()
            self.isPending = wasPending
            try self.resume(handle)
            return .batch
        }
        self.lastNews = .now
        if self.query.follow { self.last = try handle.cursor() }
        try self.renewIfWorn(handle)
        return .batch
    }

    private func move(_ handle: any JournalHandle) throws -> Bool {
        if self.isPending {
            self.isPending = false
            return true
        }
        return switch self.query.direction {
        case .forward: try handle.next()
        case .backward: try handle.previous()
        }
    }

    /// Past the far bound: as journalctl does, reading ends there.
    private func isBeyond(_ realtime: UInt64) -> Bool {
        switch self.query.direction {
        case .forward: self.query.until != 0 && realtime > self.query.until
        case .backward: self.query.since != 0 && realtime < self.query.since
        }
    }

    /// Not yet within the near bound.
    private func isBefore(_ realtime: UInt64) -> Bool {
        switch self.query.direction {
        case .forward: self.query.since != 0 && realtime < self.query.since
        case .backward: self.query.until != 0 && realtime > self.query.until
        }
    }

    private func append(_ handle: any JournalHandle, _ realtime: UInt64, to batch: inout BatchBuilder, _ limits: ReadLimits)
        throws
    {
        if self.query.needs.fields == nil {
            unsafe try handle.forEachField { field in
                unsafe batch.append(joined: field.bytes, maximumValueBytes: limits.valueBytes)
            }
        } else {
            for name in self.fieldNames {
                unsafe try handle.field(name) { field in
                    unsafe batch.append(joined: field.bytes, maximumValueBytes: limits.valueBytes)
                }
            }
        }
        guard self.query.needs.cursor || self.query.follow else {
            batch.endEntry(cursor: RawSpan(), realtimeMicroseconds: realtime)
            return
        }
        unsafe try handle.withCursor { cursor in
            unsafe try batch.endEntry(
                cursor: cursor.bytes, realtimeMicroseconds: realtime, monotonicMicroseconds: handle.monotonic())
        }
    }

    private enum Newest {
        /// It was given, or left out.
        case known
        /// It passes the filter and was not given.
        case missing
        /// It lies past the far bound, and so does all that may come.
        case beyond
    }

    /// Looks whether the newest entry of all is one that reading with the filter has not met.
    ///
    /// An entry is in the list of all before it is in those of its fields, in which a filter is looked up. Whoever reads without a filter
    /// may have it already: a follow that joins him here must not say that it has read all there was. And what libsystemd has not found
    /// in a list it looks for again only when the list of all has grown.
    private func lookAtNewest() throws -> Newest {
        try self.pool.attempt { other in
            guard let other else { return .known }
            defer { self.pool.give(other) }
            try other.seekTail()
            guard try other.previous() else { return .known }
            let realtime = try other.realtime()
            if self.isBeyond(realtime) { return .beyond }
            guard !self.isBefore(realtime), try other.isPassed(by: self.query.filter) else { return .known }
            return try self.last.map { try !other.isAt($0) } ?? true ? .missing : .known
        }
    }

    /// Goes on with another handle where this one has met damage.
    private func changeOver() throws -> ReadOutcome {
        guard let handle else { throw PluginError(.internalFault, "There is no journal to go on in.") }
        let place = try? handle.cursor()
        self.pool.distrust(handle)
        self.handle = nil
        if self.query.follow { return try self.attach(hasReadAll: false).map { .gap($0) } ?? .batch }
        return try self.pool.attempt { handle in
            guard let handle else { throw PluginError(.unavailable, "The journal has gone while it was read.", retryable: true) }
            return try self.pool.keeping(handle) {
                let outcome = try self.goOn(handle, behind: place)
                self.handle = handle
                return outcome
            }
        }
    }

    /// Stands behind a place with a handle, or where the query begins.
    private func goOn(_ handle: any JournalHandle, behind place: JournalCursor?) throws -> ReadOutcome {
        guard let place else {
            try handle.setFilter(self.query.filter)
            self.isPending = try JournalPosition.seek(self.query, cursor: Self.cursor(of: self.query), in: handle).isPending
            return .batch
        }
        self.isPending = false
        if try self.stand(handle, on: place) { return .batch }
        // The place has gone, or libsystemd has come to stand behind it, on what is next. Or there is nothing any more.
        guard let next = try? handle.cursor(), next.compared(to: place) == (self.query.direction == .forward ? 1 : -1) else {
            self.remaining = 0
            return .batch
        }
        self.isPending = true
        guard self.query.direction == .forward, var gap = try Self.gap(behind: place, at: next) else { return .batch }
        if !self.query.filter.clauses.isEmpty { gap.count = nil }
        return .gap(gap)
    }

    // MARK: Files that come and go

    /// Takes a fresh handle and stands where the last one did. Answers the hole there is, when the place has gone.
    ///
    /// Having read all the old handle had, nothing that passes the filter can be missing but what came and went between two looks; only
    /// the sequence numbers of an unfiltered follow can show that.
    private func attach(hasReadAll: Bool) throws -> Gap? {
        try self.pool.attempt { handle in
            guard let handle else { return nil }
            return try self.pool.keeping(handle) {
                let gap = try self.attach(handle, hasReadAll: hasReadAll)
                self.handle = handle
                return gap
            }
        }
    }

    private func attach(_ handle: any JournalHandle, hasReadAll: Bool) throws -> Gap? {
        guard let last else {
            try handle.setFilter(self.query.filter)
            try self.resume(handle)
            return nil
        }
        try handle.seek(last)
        var gap: Gap?
        if try handle.next() {
            if try !handle.isAt(last) {
                gap = try Self.gap(behind: last, at: handle.cursor())
            } else if try handle.next(), self.pool.seesEverything {
                // Whole files may have come and gone behind it. The numbers of entries that may not be read are missing too.
                gap = try Self.gap(behind: last, at: handle.cursor())
                if gap?.count == nil { gap = nil }
            }
        }
        if hasReadAll, gap?.count == nil || !self.query.filter.clauses.isEmpty { gap = nil }
        try handle.setFilter(self.query.filter)
        try self.resume(handle)
        return gap
    }

    /// Stands where reading goes on, as if nothing had been looked up before.
    private func resume(_ handle: any JournalHandle) throws {
        if let last {
            try handle.seek(last)
            // On the old place again: read already, or not yet, as before. Behind it: the entry stood on is the next.
            if try handle.next(), try !handle.isAt(last) { self.isPending = true }
            return
        }
        // There was nothing that passes the filter: whatever there is now is news.
        if case .time(let microseconds) = self.query.start {
            try handle.seek(realtime: microseconds)
        } else {
            try handle.seekHead()
        }
        self.isPending = false
    }

    /// The hole between the last entry read, which is gone, and the first there is behind it; nil when the
    /// sequence numbers show that nothing is missing.
    private static func gap(behind before: JournalCursor, at after: JournalCursor) throws -> Gap? {
        var count: UInt64?
        if before.sequence == after.sequence, after.number > before.number {
            count = after.number - before.number - 1
            if count == 0 { return nil }
        }
        return Gap(cause: .vacuum, from: before.bytes, to: after.bytes, count: count)
    }

    /// Exchanges a handle that has mapped much. The new one stands on the same entry.
    private func renewIfWorn(_ handle: any JournalHandle) throws {
        guard !handle.saveMemory(self.pool.renewal) else { return }
        let cursor = try handle.cursor()
        guard let fresh = try self.pool.take() else { return }
        do {
            guard try self.stand(fresh, on: cursor) else {
                // Vacuumed in this moment: the old handle still has its files open.
                return self.pool.give(fresh)
            }
        } catch is JournalDamage {
            return self.pool.distrust(fresh)
        }
        self.handle = fresh
        self.pool.discard(handle)
    }

    /// Positions a handle; false when the entry is not there.
    private func stand(_ handle: any JournalHandle, on cursor: JournalCursor) throws -> Bool {
        try handle.setFilter(self.query.filter)
        try handle.seek(cursor)
        let found = self.query.direction == .forward ? try handle.next() : try handle.previous()
        return found ? try handle.isAt(cursor) : false
    }

    /// Nothing newer: looks again soon after news and slower in silence. journald itself gives notice only every 250 ms.
    private func caughtUp() -> ReadOutcome {
        let silence = ContinuousClock.now - self.lastNews
        return .caughtUp(
            recheckAfter: silence < .seconds(1) ? .milliseconds(4) : silence < .seconds(60) ? .milliseconds(8) : .milliseconds(12)
        )
    }
}
