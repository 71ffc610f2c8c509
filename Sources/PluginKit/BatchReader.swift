package import PluginABI

/// Calls a reader batch by batch, and ahead of time where that is wished.
// Calls do not overlap, and what is read ahead is read before the next one goes on.
package final class BatchReader: @unchecked Sendable {
    private let reader: any LogReader
    /// What the last call has given, until the next one.
    private var batch = BatchBuilder()
    /// What is read meanwhile, with the limits of the call before, and what came of it.
    private var ahead: ReadingAhead?
    private var next: BatchBuilder?
    private var limits = ReadLimits(entries: 0, bytes: 0)
    private var result: Result<ReadOutcome, any Error>?

    package init(_ reader: any LogReader) {
        self.reader = reader
    }

    /// Gives what was read ahead, or else reads now.
    package func read(_ limits: ReadLimits) throws -> ReadOutcome {
        let outcome = try self.takeAhead() ?? self.readNow(limits)
        // A full batch is likely not the last.
        if case .batch = outcome, self.reader.readsAhead,
            self.batch.byteCount >= limits.bytes / 2 || self.batch.entryCount == limits.entries
        {
            self.limits = limits
            self.ahead = ReadingAhead.begin(self)
        }
        return outcome
    }

    private func takeAhead() throws -> ReadOutcome? {
        guard let ahead = self.ahead.take(), ahead.finish(), let result = self.result.take() else { return nil }
        if var fresh = self.next.take() {
            swap(&self.batch, &fresh)
            self.next = consume fresh
        }
        switch try result.get() {
        // Whether there is still nothing more is not known.
        case .caughtUp, .pending: return nil
        case let outcome: return outcome
        }
    }

    private func readNow(_ limits: ReadLimits) throws -> ReadOutcome {
        self.batch.reset()
        return try self.reader.read(into: &self.batch, limits: limits)
    }

    /// Reads while the host works with the batch before.
    func readAhead() {
        var batch = self.next.take() ?? BatchBuilder()
        batch.reset()
        self.result = Result { try self.reader.read(into: &batch, limits: self.limits) }
        self.next = consume batch
    }

    /// The last call: waits for what is read ahead.
    package func end() { _ = self.ahead.take()?.finish() }

    /// The entries of the last call's batch; they live until the next one.
    package func entries() -> (UnsafePointer<loghost_entry>?, Int) { unsafe self.batch.finish() }
}
