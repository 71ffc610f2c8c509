package import NIOCore
internal import PluginABI

/// Leads followers to the tail of their topic.
package protocol TailProvider: Sendable {
    /// Asks the tail of a log's topic to register a follower; makes the tail when there is none.
    func join(_ opening: LogOpening, _ signal: FollowSignal) -> (Tail, Tail.Ticket)

    /// Counts followers that take from a tail.
    func count(joined: Int)
}

/// One follow between what is stored and what is new: says what to do next, and is told when it is done.
///
/// It reads with a reader of its own until that has caught up, joins the tail of its topic, and takes the tail's bytes from then on. When
/// it is too slow for the tail it goes back to a reader of its own, from its own place.
// Used by the one task of its answer.
package final class Follower: @unchecked Sendable {
    package enum Step {
        /// Send this, perhaps nothing, and go on. `readAt`: when the tail read the first of it.
        case write([ByteBuffer], readAt: NIODeadline?)
        /// Go on searching, unless somebody else could use the seat better.
        case search
        /// Wait for the signal, or a little.
        case wait
        /// Open a reader at `place`, in a seat.
        case open
        case end(reason: String)
        /// The source failed, or lost entries in a format that cannot say so. `isSaid`: an event has told the client.
        case fault(isSaid: Bool)
        /// The client did not keep up and wants to be disconnected then.
        case disconnect
    }

    private enum State {
        /// Without a reader: -> reading
        case detached
        /// -> queueing, detached
        case reading(LogStream)
        /// Has caught up, waits until the tail has too: -> joining, reading
        case queueing(LogStream, Tail, Tail.Ticket, since: NIODeadline)
        /// Is registered, reads on until it has caught up again: -> live, reading
        case joining(LogStream, Tail, Subscription)
        /// -> detached
        case live(Tail, Subscription)
    }

    let opening: LogOpening
    let keepAlive: [UInt8]
    private let tails: any TailProvider
    /// How long the tail may keep a follower waiting before it reads on by itself.
    private let patience: TimeAmount
    private let signal: FollowSignal
    /// Disconnects the client when it falls out of the ring; nil for one that is served from what is stored then.
    private let disconnect: (@Sendable () -> Void)?
    private var state: State
    /// Held while it has a reader of its own.
    private var seat: Seats.Seat?
    private var isParked = false
    /// When its reader was opened, or last found something.
    private var searchesSince = NIODeadline.now()
    /// What the last reading ended with, still to be acted on.
    private var outcome: LogStream.Outcome?
    private var first: ByteBuffer
    /// Behind the last entry passed.
    package private(set) var place: Place
    package private(set) var limitLeft: UInt64
    private(set) var failure: PluginFailure?
    /// Entries that the tail, or a reader opened at `place`, may still bring although they were given.
    package private(set) var remembered: Set<[UInt8]> = []
    /// The read of the tail that has to catch up before they are forgotten.
    private var forgetsAt: UInt64 = 0
    /// Where the tail was when it was registered.
    private var edge = Place.origin
    /// Truncations of its tail that it has passed.
    private var truncations = 0
    /// Tails that failed since the last entry came from one.
    private var failedTails = 0
    /// The tail could not be made: its own reader goes on, and what the tail failed with may pass.
    private var waitsForTail = false

    /// Bytes taken from the ring at once.
    private static let takeCapacity = 64 << 10
    /// Entries remembered while joining.
    private static let memoryCapacity = 4_096
    private static let failureCapacity = 3

    package init(
        _ opened: LogOpening.Opened, _ seat: Seats.Seat, opening: LogOpening, tails: any TailProvider, signal: FollowSignal,
        disconnect: (@Sendable () -> Void)? = nil, patience: TimeAmount = .seconds(1)
    ) {
        self.patience = patience
        self.seat = seat
        self.opening = opening
        self.tails = tails
        self.signal = signal
        self.disconnect = disconnect
        self.keepAlive = opened.stream.keepAlive
        self.state = .reading(opened.stream)
        self.first = opened.first
        self.outcome = opened.outcome
        self.place = opened.stream.place
        self.limitLeft = opened.stream.limitLeft
    }

    /// True when the next step calls into a plugin.
    package var needsWorker: Bool {
        switch self.state {
        case .reading, .queueing, .joining: true
        case .detached, .live: false
        }
    }

    /// True while it takes from its tail.
    package var isLive: Bool { if case .live = self.state { true } else { false } }

    /// True in the middle of an entry: nothing else may be written there.
    var isInside: Bool { self.stream?.isInside ?? false }

    /// True when the answer has an end that is not reached yet: one without it must not look complete.
    var isIncomplete: Bool {
        let query = self.opening.log.query
        return !self.opening.encoding.encoder.isEventStream && (query.limit != 0 || query.until != 0)
    }

    private var stream: LogStream? {
        switch self.state {
        case .reading(let stream), .queueing(let stream, _, _, _), .joining(let stream, _, _): stream
        case .detached, .live: nil
        }
    }

    /// Goes on. On a worker, when `needsWorker`.
    package func step() -> Step {
        if let stream, let outcome = self.outcome {
            self.finish(stream, outcome)
            self.outcome = outcome
        }
        if self.first.readableBytes > 0 {
            let bytes = self.first
            self.first = ByteBuffer()
            return .write([bytes], readAt: nil)
        }
        if let outcome = self.outcome.take() { return self.act(on: outcome) }
        switch self.state {
        case .detached: return .open
        case .reading(let stream), .joining(let stream, _, _): return self.read(stream)
        case .queueing(let stream, let tail, let ticket, let since): return self.register(stream, tail, ticket, since)
        case .live(let tail, let subscription): return self.take(tail, subscription)
        }
    }

    // MARK: A reader of its own

    /// True when its reader has found nothing for so long.
    func hasSearched(for time: TimeAmount) -> Bool { .now() - self.searchesSince > time }

    private func read(_ stream: LogStream) -> Step {
        var buffer = ByteBuffer()
        let outcome = stream.fill(&buffer)
        if outcome != .searching { self.searchesSince = .now() }
        // Whoever reads so much is not at the end yet.
        if case .joining(_, let tail, let subscription) = self.state, stream.rememberedCount > Self.memoryCapacity {
            _ = stream.endJoin()
            tail.leave(subscription)
            self.state = .reading(stream)
        }
        self.finish(stream, outcome)
        guard buffer.readableBytes > 0 else { return self.act(on: outcome) }
        self.outcome = outcome
        return .write([buffer], readAt: nil)
    }

    /// Closes a reader that has nothing more to give: others can have its seat while the client takes the rest.
    private func finish(_ stream: LogStream, _ outcome: LogStream.Outcome) {
        guard outcome == .end || outcome == .limit || outcome == .fault else { return }
        self.place = stream.place
        self.failure = stream.failure
        stream.close()
        self.loseReader()
    }

    private func act(on outcome: LogStream.Outcome) -> Step {
        switch outcome {
        case .more: return .write([], readAt: nil)
        case .searching: return .search
        case .pending: return .wait
        case .caughtUp: return self.caughtUp()
        case .end, .limit:
            return .end(reason: outcome == .limit ? "limit" : "end of log")
        case .fault:
            return .fault(isSaid: true)
        }
    }

    private func caughtUp() -> Step {
        switch self.state {
        case .reading(let stream):
            // The rest of a long value is on its way.
            if stream.isInsideValue { return .wait }
            if self.waitsForTail {
                self.waitsForTail = false
                return .wait
            }
            stream.reachEnd()
            let (tail, ticket) = self.tails.join(self.opening, self.signal)
            self.state = .queueing(stream, tail, ticket, since: .now())
            return .write([], readAt: nil)
        case .joining(let stream, let tail, let subscription):
            if stream.isInsideValue { return .wait }
            let remembered = stream.endJoin()
            if stream.metGap || tail.hasFallenOut(subscription) {
                tail.leave(subscription)
                self.state = .reading(stream)
                return self.caughtUp()
            }
            self.remembered = remembered
            self.forgetsAt = tail.nextRead
            self.place = stream.place == .origin ? self.edge : stream.place
            self.limitLeft = stream.limitLeft
            self.state = .live(tail, subscription)
            self.tails.count(joined: 1)
            stream.close()
            self.seat = nil
            return .write([], readAt: nil)
        case .detached, .queueing, .live:
            return .write([], readAt: nil)
        }
    }

    private func register(_ stream: LogStream, _ tail: Tail, _ ticket: Tail.Ticket, _ since: NIODeadline) -> Step {
        switch tail.register(
            ticket, FeedKey(filter: self.opening.log.query.filter, encoding: self.opening.encoding), onFallOut: self.disconnect)
        {
        case .done(let subscription, let place, let truncations):
            self.truncations = truncations
            // Nothing given, all before it passed: that is where the tail is.
            self.edge = place
            stream.beginJoin()
            self.state = .joining(stream, tail, subscription)
            return self.read(stream)
        case .notYet:
            // The source may be busy for long; what it has meanwhile is read here.
            guard .now() - since > self.patience else { return .wait }
            tail.cancel(ticket)
            self.state = .reading(stream)
            return self.read(stream)
        case .over(let ending):
            self.state = .reading(stream)
            self.waitsForTail = ending == .failed
            return self.read(stream)
        }
    }

    /// Counts a tail that failed; true when that is enough.
    private func hasFailed() -> Bool {
        self.failedTails += 1
        return self.failedTails > Self.failureCapacity
    }

    // MARK: The tail

    private func take(_ tail: Tail, _ subscription: Subscription) -> Step {
        let taken = tail.take(subscription, maximumBytes: Self.takeCapacity)
        // Registered before the tail had read anything.
        if self.place == .origin { self.place = taken.first }
        switch taken.content {
        case .nothing:
            self.moveToEdge(taken)
            return .wait
        case .entries(let blocks):
            self.failedTails = 0
            let step = self.remembered.isEmpty && !self.isBounded ? self.whole(blocks) : self.judged(blocks)
            if self.outcome == nil { self.moveToEdge(taken) }
            return step
        case .gap(let gap):
            if gap.event.isTruncation {
                // Cursors may occur again.
                self.remembered = []
                self.place = .head
                self.truncations += 1
            }
            // It is told now.
            if case .lost = self.place { self.place = .head }
            guard let bytes = gap.bytes else {
                self.failure = .missingEntries
                return .fault(isSaid: false)
            }
            return .write([bytes], readAt: nil)
        case .elsewhere:
            self.detach(tail, subscription)
            return .open
        case .fellOut:
            if taken.truncations > self.truncations { self.place = .lost(cause: "truncation") }
            self.detach(tail, subscription)
            return self.disconnect == nil ? .open : .disconnect
        case .over(.end):
            return .end(reason: "end of log")
        case .over:
            self.detach(tail, subscription)
            // Not at once: what the source failed with may pass.
            return self.hasFailed() ? .fault(isSaid: false) : .wait
        }
    }

    /// Everything taken, the place is where the tail is: a quiet follow's own last entry may be gone long since.
    private func moveToEdge(_ taken: Tail.Taken) {
        guard let edge = taken.edge else { return }
        if taken.caughtUp >= self.forgetsAt { self.remembered = [] }
        // What is remembered the tail has yet to read.
        if self.remembered.isEmpty, edge != .origin { self.place = edge }
    }

    private var isBounded: Bool {
        let query = self.opening.log.query
        return query.limit != 0 || query.since != 0 || query.until != 0
    }

    private func whole(_ blocks: [EntryBlock]) -> Step {
        if let last = blocks.last { self.place = .cursor(last.lastCursor) }
        self.opening.onEntries(blocks.reduce(0) { $0 + $1.entryCount })
        return .write(blocks.map(\.bytes), readAt: blocks.first?.readAt)
    }

    /// Leaves out what was given before, and what the query's bounds exclude.
    private func judged(_ blocks: [EntryBlock]) -> Step {
        let query = self.opening.log.query
        var bytes = ByteBuffer()
        var count = 0
        defer { self.opening.onEntries(count) }
        for block in blocks {
            for index in 0..<block.count {
                let cursor = Array(block.cursor(index))
                let isNewline = block.isNewline(index)
                // Its own reader was further; until the tail is there too, what it gave stays in mind.
                if self.remembered.contains(givenKey(cursor, isNewline: isNewline)) { continue }
                let time = block.time(index)
                if time != 0, query.until != 0, time > query.until { return self.end(.end, bytes) }
                self.place = .cursor(cursor)
                if time != 0, time < query.since { continue }
                bytes.writeImmutableBuffer(block.bytes(index))
                if isNewline { continue }
                count += 1
                if self.limitLeft != .max { self.limitLeft -= 1 }
                if self.limitLeft == 0 { return self.end(.limit, bytes) }
            }
        }
        return .write([bytes], readAt: blocks.first?.readAt)
    }

    /// Sends the last bytes; the place stays behind the last entry of them.
    private func end(_ outcome: LogStream.Outcome, _ bytes: ByteBuffer) -> Step {
        self.outcome = outcome
        return .write([bytes], readAt: nil)
    }

    private func detach(_ tail: Tail, _ subscription: Subscription) {
        tail.leave(subscription)
        self.tails.count(joined: -1)
        self.state = .detached
    }

    // MARK: Readers come and go

    /// True when a write must not take long: its seat is nobody else's meanwhile.
    var keepsSeat: Bool { self.seat != nil && !self.isParked }

    /// Lets others have the seat while the client takes what was sent. Returns a reader that has to be closed on a worker, because its seat
    /// is gone at once.
    package func park() -> ReaderHandle? {
        guard let seat, let reader = self.rest() else { return nil }
        self.isParked = seat.park(reader)
        if self.isParked { return nil }
        self.loseReader()
        return reader
    }

    /// Takes the seat back, if it is still there.
    package func unpark() {
        guard self.isParked else { return }
        self.isParked = false
        if self.seat?.unpark() != true { self.loseReader() }
    }

    private func rest() -> ReaderHandle? {
        guard let stream, let reader = stream.rest() else { return nil }
        self.place = stream.place
        self.remembered = stream.given
        self.limitLeft = stream.limitLeft
        return reader
    }

    private func loseReader() {
        switch self.state {
        case .queueing(_, let tail, let ticket, _): tail.cancel(ticket)
        case .joining(_, let tail, let subscription): tail.leave(subscription)
        case .detached, .reading, .live: break
        }
        self.seat = nil
        self.outcome = nil
        self.state = .detached
    }

    /// A reader was opened at `place`.
    package func attach(_ opened: LogOpening.Opened, _ seat: Seats.Seat) {
        self.remembered = []
        self.searchesSince = .now()
        self.seat = seat
        self.state = .reading(opened.stream)
        self.first = opened.first
        self.outcome = opened.outcome
    }

    /// Ends whatever it holds. On a worker, when `needsWorker`.
    package func close() {
        let stream = self.stream
        if case .live(let tail, let subscription) = self.state { self.detach(tail, subscription) } else { self.loseReader() }
        stream?.close()
    }
}
