internal import PluginKit

/// Gives a file's bytes as lines, byte for byte.
// The host reads it from one worker thread at a time; what other threads fill is the feed.
final class LineReader: LogReader {
    /// What the request wants of each line.
    struct Format {
        /// What stands beside the text, in every entry.
        var fields: [(name: [UInt8], value: [UInt8])]
        var needsCursor: Bool
        var dropsBlankLines: Bool
    }

    private let items: any FileItems
    /// Nil for what is read without a pump.
    private let feed: FileFeed?
    /// Nil for a range.
    private let shared: SharedFile.Member?
    /// Nil where nobody tells of changes.
    private let watch: FileWatch?
    private var lines: LineCutter
    /// The bytes that are being cut, and how far that has come.
    private var chunk: [UInt8] = []
    private var position = 0
    /// Behind the last byte that was fetched.
    private var end: UInt64
    /// What is said when the batch before it has been.
    private var next: ReadOutcome?
    private var interval = LineReader.shortestInterval
    /// Nothing new was there: not looked at again before that time, unless another reader has given something since.
    private var quiet: (seen: UInt64, since: ContinuousClock.Instant, until: ContinuousClock.Instant)?
    /// When a line that has no end yet was met.
    private var unfinishedSince: ContinuousClock.Instant?
    /// Where this reader began there was the beginning of a line before it: the tail would give that too, if it were not cut here.
    private var beganInsideLine: Bool

    private static let shortestInterval = Duration.milliseconds(50)
    private static let longestInterval = Duration.seconds(1)
    /// Where changes are told: now and then one is not, such as of a file that is a link.
    private static let longestWatchedInterval = Duration.seconds(5)
    /// A file that is written all the time is not looked at each time.
    private static let newsInterval = Duration.milliseconds(5)
    /// How long a follow waits for the end of a line.
    private static let lineInterval = Duration.seconds(2)

    init(_ start: LineStart, items: any FileItems, format: Format, shared: SharedFile.Member?, watch: FileWatch? = nil) {
        self.items = items
        self.feed = items as? FileFeed
        self.watch = watch
        self.shared = shared
        self.lines = LineCutter(start, format)
        self.beganInsideLine = start.place.isInsideLine
        self.end = start.place.offset
    }

    deinit { self.items.close() }

    var readsAhead: Bool { self.feed == nil }

    func read(into batch: inout BatchBuilder, limits: ReadLimits) throws -> ReadOutcome {
        if let next = self.next.take() {
            if case .end = next { self.next = .end }
            return next
        }
        if let wait = self.quietLeft() { return .caughtUp(recheckAfter: wait) }
        self.lines.released = self.shared?.file.released
        while batch.entryCount < limits.entries, batch.byteCount < limits.bytes {
            if self.position < self.chunk.count {
                self.lines.cut(self.chunk, from: &self.position, into: &batch, limits)
                if batch.entryCount > 0 { self.beganInsideLine = false }
                continue
            }
            guard let item = try self.items.next() else { return self.give(batch, then: nil) ?? .pending }
            switch item {
            case .bytes(let bytes, let index, let offset):
                self.chunk = bytes
                self.position = index
                self.end = offset + UInt64(bytes.count - index)
                self.interval = Self.shortestInterval
                self.lines.begin(bytes, from: index, at: offset)
            case .next:
                // A line may go on in the next file; nobody can tell.
                self.lines.endUnfinished(into: &batch)
                self.beginFile()
            case .gap(let cause):
                self.lines.endUnfinished(into: &batch)
                let gap = ReadOutcome.gap(Gap(cause: cause, from: self.lines.lastCursor, to: []))
                self.beginFile()
                return self.give(batch, then: gap) ?? gap
            case .quiet(let seen):
                return self.beQuiet(&batch, seen)
            case .end:
                self.lines.endUnfinished(into: &batch)
                self.next = .end
                return self.give(batch, then: .end) ?? .end
            case .failure(let error):
                throw error
            }
        }
        return self.give(batch, then: nil) ?? .batch
    }

    /// Says that there is a batch, and what comes behind it; nil when there is none.
    private func give(_ batch: borrowing BatchBuilder, then next: ReadOutcome?) -> ReadOutcome? {
        guard batch.entryCount > 0 else { return nil }
        self.next = next
        self.shared?.countGiven()
        return .batch
    }

    private func beginFile() {
        self.lines.beginFile()
        self.end = 0
        self.shared?.file.released = nil
        self.beganInsideLine = false
        self.unfinishedSince = nil
    }

    /// How much longer there is nothing to look for: a wake may be a late one.
    private func quietLeft() -> Duration? {
        guard let quiet = self.quiet.take(), let shared, shared.givenByOthers == quiet.seen else { return nil }
        let left = (self.feed?.hasNews == true ? min(quiet.until, quiet.since + Self.newsInterval) : quiet.until) - .now
        guard left > .milliseconds(1) else { return nil }
        self.quiet = quiet
        return left
    }

    /// All that is there has been cut.
    private func beQuiet(_ batch: inout BatchBuilder, _ seen: UInt64) -> ReadOutcome {
        guard let shared else {
            // A range ends with what there is.
            self.lines.endUnfinished(into: &batch)
            return self.give(batch, then: .caughtUp(recheckAfter: nil)) ?? .caughtUp(recheckAfter: nil)
        }
        shared.end(at: self.end)
        var wait = self.interval
        if self.lines.hasUnfinished || self.beganInsideLine {
            let now = ContinuousClock.now
            let since = self.unfinishedSince ?? now
            self.unfinishedSince = since
            if now - since >= Self.lineInterval || shared.file.released == self.lines.end {
                shared.file.released = self.lines.end
                self.lines.endUnfinished(into: &batch)
                self.beganInsideLine = false
                self.unfinishedSince = nil
            } else {
                wait = min(wait, since + Self.lineInterval - now)
            }
        } else {
            self.unfinishedSince = nil
        }
        if let given = self.give(batch, then: nil) { return given }
        // What another reader has given meanwhile may be more than was looked at.
        if shared.givenByOthers != seen {
            self.feed?.look(after: .zero)
            return .pending
        }
        self.interval = min(self.interval * 2, self.watch == nil ? Self.longestInterval : Self.longestWatchedInterval)
        if self.feed?.hasNews == true { wait = min(wait, Self.newsInterval) }
        // Not at the end before it is known where the line that it began in is cut.
        if self.beganInsideLine {
            self.feed?.look(after: wait)
            return .pending
        }
        let now = ContinuousClock.now
        self.quiet = (seen, now, now + wait)
        return .caughtUp(recheckAfter: wait)
    }
}
