internal import NIOCore
internal import Synchronization

/// The live end of one topic: a ring that one reader fills and all followers of the topic take from.
///
/// **The join.** A follower that has read what is stored comes to the tail without skipping or repeating an entry:
///
/// 0. Its own reader has caught up. It waits for a read of the tail that began after that and has caught up too: by the ABI's rule
///    of visibility the tail has then passed everything the follower was given.
/// 1. It is registered under the lock, at the end of its feed: from here on what the tail reads is put into the feed for it.
/// 2. Its own reader reads on until a CAUGHT_UP whose read began after 1, and remembers the cursors given: they are what the tail read
///    between 0 and 1, and what it may be about to read.
/// 3. It takes its feed's blocks, leaving out what it remembers. What it still remembers is forgotten when a read of the
///    tail that began after 2 has caught up, because nothing of it can come any more.
///
/// When its own reader meets a gap meanwhile, cursors may occur again; when it falls out of the ring, blocks are missing; in both cases
/// it starts again at 0. An entry that the source sorts before the place of a reader that has passed it is promised to nobody.
package final class Tail: Sendable {
    /// Why there is nothing more to take.
    package enum Ending: Sendable {
        /// The log is complete.
        case end
        /// The reader failed: whoever follows reads for itself.
        case failed
        /// Nobody followed any more.
        case unused
    }

    /// A request to be registered once the tail has passed what the follower was given.
    package struct Ticket: Sendable {
        fileprivate let number: UInt64
        /// The first read that may satisfy it.
        fileprivate let read: UInt64
    }

    enum Registration: Sendable {
        case notYet
        case done(Subscription, place: Place, truncations: Int)
        case over(Ending)
    }

    /// What a follower gets at once.
    struct Taken: Sendable {
        enum Content: Sendable {
            /// Nothing yet: its signal wakes it.
            case nothing
            case entries([EntryBlock])
            case gap(GapBlock)
            case elsewhere
            /// What it had to take next is gone from the ring.
            case fellOut
            case over(Ending)
        }

        var content: Content
        /// Where the tail is, when the follower has taken everything.
        var edge: Place?
        /// The last read that has caught up.
        var caughtUp: UInt64
        /// Truncations that the tail has met.
        var truncations: Int
        /// Where to go on with the first that the tail has brought; the origin before that.
        var first: Place
    }

    private struct State {
        var ending: Ending?
        /// Reads begun.
        var reads: UInt64 = 0
        var caughtUp: UInt64 = 0
        /// Behind the last entry read.
        var place = Place.origin
        var first = Place.origin
        var truncations = 0
        var ring = Ring()
        var feeds: [FeedKey: Feed] = [:]
        /// Feeds that the reader does not know yet.
        var added: [Feed] = []
        /// Feeds that the reader knows although nobody follows them any more.
        var gone = 0
        var followers = 0
        var joining: [UInt64: FollowSignal] = [:]
        var tickets: UInt64 = 0

        var isUnused: Bool { self.followers == 0 && self.joining.isEmpty }
    }

    private let state = Mutex(State())
    /// Wakes the tail's own task.
    let signal = FollowSignal()
    private let capacity: @Sendable () -> Int

    /// `capacity` says how much memory the ring may take now.
    package init(capacity: @escaping @Sendable () -> Int) {
        self.capacity = capacity
    }

    // MARK: Followers

    /// Asks to be registered; nil when this tail is over and another one has to be made.
    package func join(_ signal: FollowSignal) -> Ticket? {
        let ticket = self.state.withLock { state -> Ticket? in
            if state.ending != nil { return nil }
            state.tickets += 1
            state.joining[state.tickets] = signal
            return Ticket(number: state.tickets, read: state.reads + 1)
        }
        if ticket != nil { self.signal.wake() }
        return ticket
    }

    /// Registers a follower, as soon as the tail has caught up with a read that began after `join`.
    func register(_ ticket: Ticket, _ key: FeedKey, onFallOut: (@Sendable () -> Void)? = nil) -> Registration {
        self.state.withLock { state in
            if let ending = state.ending {
                state.joining[ticket.number] = nil
                return .over(ending)
            }
            guard state.caughtUp >= ticket.read, let signal = state.joining.removeValue(forKey: ticket.number) else {
                return .notYet
            }
            let feed: Feed
            if let existing = state.feeds[key] {
                feed = existing
            } else {
                feed = Feed(key)
                state.feeds[key] = feed
                state.added.append(feed)
            }
            let subscription = Subscription(feed, signal: signal, onFallOut: onFallOut)
            feed.add(subscription)
            state.followers += 1
            return .done(
                subscription, place: state.place, truncations: state.truncations)
        }
    }

    /// Gives a ticket back unused.
    func cancel(_ ticket: Ticket) {
        let isUnused = self.state.withLock { state in
            state.joining[ticket.number] = nil
            return state.isUnused
        }
        if isUnused { self.signal.wake() }
    }

    /// Unregisters a follower.
    func leave(_ subscription: Subscription) {
        let isUnused = self.state.withLock { state in
            let feed = subscription.feed
            feed.remove(subscription)
            state.followers -= 1
            if feed.followers.isEmpty {
                feed.end(of: &state.ring)
                state.feeds[feed.key] = nil
                state.gone += 1
            }
            return state.isUnused
        }
        if isUnused { self.signal.wake() }
    }

    /// The read that a follower has to wait for, to be sure that the tail has passed what it was given until now.
    var nextRead: UInt64 { self.state.withLock { $0.reads + 1 } }

    func hasFallenOut(_ subscription: Subscription) -> Bool {
        self.state.withLock { _ in subscription.next < subscription.feed.first }
    }

    /// Takes what has come since the last time, about so many bytes of it.
    func take(_ subscription: Subscription, maximumBytes: Int) -> Taken {
        self.state.withLock { state in
            let feed = subscription.feed
            subscription.begin()
            var taken = Taken(
                content: .nothing, edge: nil, caughtUp: state.caughtUp, truncations: state.truncations,
                first: state.first)
            guard subscription.next >= feed.first else {
                taken.content = .fellOut
                return taken
            }
            var blocks: [EntryBlock] = []
            var byteCount = 0
            gathering: while subscription.next < feed.end, byteCount < maximumBytes {
                switch feed.block(subscription.next) {
                case .entries(let block):
                    blocks.append(block)
                    byteCount += block.bytes.readableBytes
                case .gap(let gap):
                    guard blocks.isEmpty else { break gathering }
                    subscription.advance(to: subscription.next + 1)
                    taken.content = .gap(gap)
                    return taken
                case .elsewhere:
                    guard blocks.isEmpty else { break gathering }
                    taken.content = .elsewhere
                    return taken
                }
                subscription.advance(to: subscription.next + 1)
            }
            if !blocks.isEmpty {
                taken.content = .entries(blocks)
            } else if let ending = state.ending {
                taken.content = .over(ending)
            }
            if subscription.next == feed.end { taken.edge = state.place }
            return taken
        }
    }

    // MARK: The reader

    /// Begins a read; nil when nobody follows any more, and the tail is over.
    func beginRead() -> UInt64? {
        self.state.withLock { state in
            if state.isUnused {
                state.ending = state.ending ?? .unused
                return nil
            }
            state.reads += 1
            return state.reads
        }
    }

    /// Gives the feeds that have come since the last time; now and then, when many have gone, all there are instead.
    func changedFeeds() -> (feeds: [Feed], isAll: Bool) {
        self.state.withLock { state in
            defer { state.added = [] }
            guard state.gone > max(64, state.feeds.count) else { return (state.added, false) }
            state.gone = 0
            return (Array(state.feeds.values), true)
        }
    }

    /// Puts what was read before the followers: `place` is behind it, `first` its first entry.
    func publish(
        _ additions: [(feed: Feed, block: Block)], place: Place? = nil, gap: GapEvent? = nil, first: () -> [UInt8] = { [] }
    ) {
        let capacity = self.capacity()
        let (signals, fallen) = self.state.withLock { state in
            if let place {
                state.place = place
                if state.first == .origin { state.first = .before(first()) }
            }
            if let gap, state.first == .origin { state.first = .lost(cause: gap.cause) }
            if gap?.isTruncation == true {
                state.place = .head
                state.truncations += 1
            }
            return additions.isEmpty ? ([], []) : state.ring.append(additions, capacity: capacity)
        }
        for signal in signals { signal.wake() }
        for onFallOut in fallen { onFallOut() }
    }

    /// A read has found nothing newer.
    func caughtUp(_ read: UInt64) {
        let signals = self.state.withLock { state in
            state.caughtUp = read
            return Array(state.joining.values)
        }
        for signal in signals { signal.wake() }
    }

    /// Ends the tail. Followers still take what is there.
    package func end(_ ending: Ending) {
        let signals = self.state.withLock { state in
            state.ending = state.ending ?? ending
            return Array(state.joining.values) + state.feeds.values.flatMap { $0.followers.map(\.signal) }
        }
        for signal in signals { signal.wake() }
    }

    // MARK: Figures

    package var ringBytes: Int { self.state.withLock { $0.ring.byteCount } }
}
