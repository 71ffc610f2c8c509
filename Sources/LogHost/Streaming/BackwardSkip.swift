internal import PluginABI

/// Steps back for a source that cannot: reads once from the head to the start position and keeps the last cursors.
struct BackwardSkip {
    let opening: LogOpening
    let needs: EncoderNeeds
    let capacity: UInt64

    /// Finds where a query with a negative skip begins, in terms of a start without one.
    func find(_ query: LogQuery) async throws -> (start: LogQuery.Start, skipped: UInt64) {
        let count = query.skip.magnitude
        guard count <= self.capacity else {
            throw PluginFailure(
                code: LOGHOST_ERROR_UNSUPPORTED, message: "skip: this log steps back at most \(self.capacity) entries.")
        }
        var scan = query
        scan.start = .head
        scan.skip = 0
        scan.limit = 0
        scan.since = 0
        scan.until = 0
        scan.follow = false
        // Whatever the answer shows of them, cursors are what is looked for.
        var needs = self.needs
        needs.bits |= UInt32(LOGHOST_NEEDS_CURSOR)
        let opened = try await self.opening.source.open(
            topic: self.opening.topic, query: scan, needs: needs, request: self.opening.request, wakeID: self.opening.wakeID)
        defer { opened.reader.close() }
        var cursors = try self.readCursors(opened, scan, until: query.start, keeping: Int(count) + 1)
        // The entry before the first one wanted is what reading starts behind.
        guard cursors.count > Int(count) else { return (.head, UInt64(cursors.count)) }
        return (.cursor(cursors.removeFirst()), count)
    }

    private func readCursors(
        _ opened: OpenedReader, _ query: LogQuery, until stop: LogQuery.Start, keeping capacity: Int
    ) throws -> [[UInt8]] {
        var remainder = Remainder(query, applied: opened.applied)
        let limits = loghost_read_limits(
            size: UInt32(MemoryLayout<loghost_read_limits>.size), max_entries: 1024, max_bytes: 1 << 20,
            max_microseconds: 100_000,
            max_value_bytes: UInt64(self.opening.encoding.maximumValueBytes))
        let check = self.opening.searchCheck()
        var kept: [[UInt8]] = []
        while true {
            try check()
            switch opened.reader.read(limits) {
            case .batch(let batch):
                for index in batch.indices {
                    guard let entry = unsafe batch.baseAddress.map({ unsafe $0 + index }) else { break }
                    if case .time(let time) = stop, unsafe entry.pointee.realtime_microseconds >= time {
                        return Array(kept.suffix(capacity))
                    }
                    let verdict = unsafe remainder.judge(entry)
                    // The last piece of a value counts for all of them.
                    if unsafe Int(entry.pointee.flags) & (LOGHOST_ENTRY_CONTINUES | LOGHOST_ENTRY_NEWLINE) != 0 { continue }
                    let cursor = unsafe entry.pointee.cursor.array
                    if case .give = verdict { kept.append(cursor) }
                    if stop == .cursor(cursor) { return Array(kept.suffix(capacity)) }
                }
                // Trimmed now and then, not entry by entry.
                if kept.count > 2 * capacity + 4096 { kept.removeFirst(kept.count - capacity) }
            case .caughtUp, .end:
                if case .cursor = stop {
                    throw PluginFailure(code: LOGHOST_ERROR_CURSOR_GONE, message: "The cursor's entry is no longer in the log.")
                }
                return Array(kept.suffix(capacity))
            case .gap(let gap):
                // Cursors from before may occur again.
                if gap.isTruncation { kept = [] }
            case .pending:
                throw PluginFailure(code: LOGHOST_ERROR_UNSUPPORTED, message: "skip: this log cannot step back.")
            case .failed(let failure):
                throw failure
            }
        }
    }
}
