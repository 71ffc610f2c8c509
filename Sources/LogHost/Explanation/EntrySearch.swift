internal import NIOCore
internal import PluginABI

/// Looks for the entries of one log that a query gives, without encoding them.
struct EntrySearch: Sendable {
    let source: SourceHandle
    let topic: [UInt8]
    let request: SourceRequest
    let wakeID: UInt64
    let signal: FollowSignal
    /// For the time of a wait.
    let eventLoop: any EventLoop
    let valueBytes: Int
    /// When it is given up.
    let deadline: NIODeadline
    /// Throws when nobody waits for the answer any more.
    let checkClient: @Sendable () throws -> Void

    struct Found: Sendable {
        var count: UInt64 = 0
        /// Of the first, in microseconds; 0 when it has none.
        var time: UInt64 = 0
        /// Nothing was left to look at when it ended.
        var isAll = false
    }

    /// Counts entries, at most so many. Nil when the source cannot begin there, or there was no time to come to an end. On a worker.
    func callAsFunction(_ query: LogQuery, upTo limit: UInt64) async throws -> Found? {
        var query = query
        query.limit = limit
        query.follow = false
        query.resumes = false
        let opened = try await self.source.open(
            topic: self.topic, query: query, needs: EncoderNeeds(bits: UInt32(LOGHOST_NEEDS_REALTIME), fieldNames: []),
            request: self.request, wakeID: self.wakeID)
        defer { opened.reader.close() }
        if query.skip < 0, opened.applied & UInt32(LOGHOST_APPLIED_SKIP) == 0 { return nil }
        if query.direction == .backward, opened.applied & UInt32(LOGHOST_APPLIED_DIRECTION) == 0 { return nil }
        var remainder = Remainder(query, applied: opened.applied)
        let limits = loghost_read_limits(
            size: UInt32(MemoryLayout<loghost_read_limits>.size),
            max_entries: remainder.isEmpty ? UInt32(clamping: min(limit, 1024)) : 1024,
            max_bytes: 1 << 20, max_microseconds: 100_000, max_value_bytes: UInt64(self.valueBytes))
        var found = Found()
        while NIODeadline.now() < self.deadline {
            try self.checkClient()
            switch opened.reader.read(limits) {
            case .batch(let batch):
                for index in batch.indices {
                    guard let entry = unsafe batch.baseAddress.map({ unsafe $0 + index }) else { break }
                    switch unsafe remainder.judge(entry) {
                    case .give: break
                    case .leaveOut: continue
                    case .end:
                        found.isAll = true
                        return found
                    }
                    // The last piece of a value counts for all of them.
                    if unsafe Int(entry.pointee.flags) & (LOGHOST_ENTRY_CONTINUES | LOGHOST_ENTRY_NEWLINE) != 0 { continue }
                    if found.count == 0 { found.time = unsafe entry.pointee.realtime_microseconds }
                    found.count += 1
                    if found.count == limit { return found }
                }
            case .caughtUp, .end:
                found.isAll = true
                return found
            case .gap: continue
            case .pending: try await self.waitForNews()
            case .failed(let failure): throw failure
            }
        }
        return nil
    }

    /// Waits for a source that waits itself; no thread does.
    func waitForNews() async throws {
        _ = try await self.signal.waitForWake(self.deadline - .now(), on: self.eventLoop)
    }
}
