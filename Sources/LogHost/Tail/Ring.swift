internal import NIOCore

/// The newest blocks of all feeds of a tail: kept until every follower has taken them, or until they are too many.
struct Ring {
    private var segments = CircularBuffer<RingSegment>()
    /// Memory of the blocks in the ring.
    private(set) var byteCount = 0

    /// Looks whose blocks are kept for slow followers, however little memory they need.
    private static let segmentCapacity = 16_384

    /// Adds what a look has brought; the newest is always kept. Returns whom to wake, and whom to tell that it has fallen out.
    mutating func append(
        _ additions: [(feed: Feed, block: Block)], capacity: Int
    ) -> (signals: [FollowSignal], fallen: [@Sendable () -> Void]) {
        let segment = RingSegment(feeds: additions.map(\.feed))
        var signals: [FollowSignal] = []
        for (feed, block) in additions {
            var oldest = feed.end
            var isFollowed = false
            for follower in feed.followers {
                signals.append(follower.signal)
                // Who has fallen out does not come back to this ring.
                if follower.next < feed.first { continue }
                isFollowed = true
                oldest = min(oldest, follower.next)
            }
            // What everybody has taken.
            while feed.first < oldest, feed.first < feed.end { self.removeFirst(of: feed) }
            guard isFollowed else { continue }
            feed.append(block, segment)
            segment.blocks += 1
            if case .entries(let entries) = block {
                self.byteCount += entries.overhead
                entries.storage.users += 1
                if entries.storage.users == 1 { self.byteCount += entries.storage.byteCount }
            }
        }
        self.segments.append(segment)
        return (signals, self.evict(capacity))
    }

    /// Takes a feed's blocks out.
    mutating func removeAll(of feed: Feed) {
        while feed.first < feed.end { self.removeFirst(of: feed) }
    }

    private mutating func evict(_ capacity: Int) -> [@Sendable () -> Void] {
        var fallen: [@Sendable () -> Void] = []
        while let oldest = self.segments.first {
            let isTooMuch = self.byteCount > capacity || self.segments.count > Self.segmentCapacity
            guard oldest.blocks == 0 || isTooMuch && self.segments.count > 1 else { break }
            self.segments.removeFirst()
            if oldest.blocks == 0 { continue }
            for feed in oldest.feeds {
                guard let first = feed.blocks.first, first.segment === oldest else { continue }
                let last = feed.first
                while let first = feed.blocks.first, first.segment === oldest { self.removeFirst(of: feed) }
                guard feed.tellsFallingOut else { continue }
                fallen += feed.followers.filter { $0.hasTaken && $0.next >= last && $0.next < feed.first }.compactMap(\.onFallOut)
            }
        }
        return fallen
    }

    private mutating func removeFirst(of feed: Feed) {
        let (segment, block) = feed.removeFirst()
        segment.blocks -= 1
        guard case .entries(let entries) = block else { return }
        self.byteCount -= entries.overhead
        entries.storage.users -= 1
        if entries.storage.users == 0 { self.byteCount -= entries.storage.byteCount }
    }
}
