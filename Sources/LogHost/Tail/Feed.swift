internal import NIOCore
internal import Synchronization

/// What followers must have in common to be sent the same bytes.
struct FeedKey: Hashable, Sendable {
    var filter: LogFilter
    var encoding: Encoding
}

/// The part of a tail's ring that passes one filter, in one encoding.
// Everything but the key is guarded by the tail's lock.
final class Feed: @unchecked Sendable {
    let key: FeedKey
    /// Numbered on from `first`.
    private(set) var blocks = CircularBuffer<(segment: RingSegment, block: Block)>()
    private(set) var first = 0
    private(set) var followers: [Subscription] = []

    private let gone = Atomic(false)

    init(_ key: FeedKey) {
        self.key = key
    }

    /// True when nobody follows it any more; nobody will again. For any thread.
    var isGone: Bool { self.gone.load(ordering: .relaxed) }

    func end(of ring: inout Ring) {
        self.gone.store(true, ordering: .relaxed)
        ring.removeAll(of: self)
    }

    /// The number of the next block.
    var end: Int { self.first + self.blocks.count }

    func block(_ number: Int) -> Block {
        self.blocks[self.blocks.index(self.blocks.startIndex, offsetBy: number - self.first)].block
    }

    func append(_ block: Block, _ segment: RingSegment) { self.blocks.append((segment, block)) }

    func removeFirst() -> (segment: RingSegment, block: Block) {
        self.first += 1
        return self.blocks.removeFirst()
    }

    /// True when it has followers that want to be told when they fall out.
    var tellsFallingOut: Bool { self.told > 0 }
    private var told = 0

    func add(_ follower: Subscription) {
        if follower.onFallOut != nil { self.told += 1 }
        follower.index = self.followers.count
        self.followers.append(follower)
    }

    func remove(_ follower: Subscription) {
        if follower.onFallOut != nil { self.told -= 1 }
        guard let last = self.followers.popLast(), last !== follower else { return }
        last.index = follower.index
        self.followers[follower.index] = last
    }
}

/// A follower's place in a feed.
// Everything but the signal is guarded by the tail's lock.
final class Subscription: @unchecked Sendable {
    let feed: Feed
    /// The block it takes next.
    fileprivate(set) var next: Int
    /// True when it has left its own reader behind.
    fileprivate(set) var hasTaken = false
    /// Its number among the feed's followers.
    fileprivate var index = 0
    /// Woken by every block of the feed.
    let signal: FollowSignal
    /// Called when it falls out of the ring; nil when the follower finds out by itself.
    let onFallOut: (@Sendable () -> Void)?

    init(_ feed: Feed, signal: FollowSignal, onFallOut: (@Sendable () -> Void)?) {
        self.onFallOut = onFallOut
        self.feed = feed
        self.next = feed.end
        self.signal = signal
    }

    func advance(to number: Int) { self.next = number }

    func begin() { self.hasTaken = true }
}

/// The blocks that one look has brought all feeds.
// Guarded by the tail's lock.
final class RingSegment {
    /// Feeds that got a block of it.
    let feeds: [Feed]
    /// Blocks of it that are still there.
    var blocks = 0

    init(feeds: [Feed]) {
        self.feeds = feeds
    }
}
