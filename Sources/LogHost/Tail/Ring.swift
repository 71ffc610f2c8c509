internal import NIOCore

/// The newest blocks of all feeds of a tail: kept until every follower has taken them, or until they are too many.
struct Ring {
    private var segments = CircularBuffer<RingSegment>()
    /// Memory of the blocks in the ring.
    private(set) var byteCount = 0

    /// Looks whose blocks are kept for slow followers, however little memory they need.
    private static let segmentCapacity = 16_384

    /// Adds what a look has brought; the newest is always kept. Returns whom to wake.
    mutating func append(_ additions: [(feed: Feed, block: Block)], capacity: Int) -> [FollowSignal] {
        let segment = RingSegment(feeds: additions.map(\.feed))
        var signals: [FollowSignal] = []
        for (feed, block) in additions {
            var oldest = feed.end
            for follower in feed.followers {
                oldest = min(oldest, follower.next)
                signals.append(follower.signal)
            }
            // What everybody has taken.
            while feed.first < oldest, feed.first < feed.end { self.removeFirst(of: feed) }
            // Nobody follows any more.
            if feed.followers.isEmpty { continue }
            feed.append(block, segment)
            segment.blocks += 1
            if case .entries(let entries) = block {
                entries.storage.users += 1
                if entries.storage.users == 1 { self.byteCount += entries.storage.byteCount }
            }
        }
        self.segments.append(segment)
        self.evict(capacity)
        return signals
    }

    /// Takes a feed's blocks out.
    mutating func removeAll(of feed: Feed) {
        while feed.first < feed.end { self.removeFirst(of: feed) }
    }

    private mutating func evict(_ capacity: Int) {
        while let oldest = self.segments.first {
            let isTooMuch = self.byteCount > capacity || self.segments.count > Self.segmentCapacity
            guard oldest.blocks == 0 || isTooMuch && self.segments.count > 1 else { return }
            self.segments.removeFirst()
            if oldest.blocks == 0 { continue }
            for feed in oldest.feeds {
                while let first = feed.blocks.first, first.segment === oldest { self.removeFirst(of: feed) }
            }
        }
    }

    private mutating func removeFirst(of feed: Feed) {
        let (segment, block) = feed.removeFirst()
        segment.blocks -= 1
        guard case .entries(let entries) = block else { return }
        entries.storage.users -= 1
        if entries.storage.users == 0 { self.byteCount -= entries.storage.byteCount }
    }
}
