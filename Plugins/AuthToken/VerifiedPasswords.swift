internal import Synchronization

/// Names with passwords that were right a moment ago, so that not every request costs a hash. Wrong ones are not kept.
package final class VerifiedPasswords: Sendable {
    package static let lifetime = Duration.seconds(60)

    private let capacity: Int
    /// When each was last right; in the order of that.
    private let entries = Mutex<[(key: Digest.Keyed, since: ContinuousClock.Instant)]>([])

    package init(capacity: Int = 256) {
        self.capacity = capacity
    }

    package func contains(_ key: Digest.Keyed, at now: ContinuousClock.Instant = .now) -> Bool {
        self.entries.withLock { entries in
            entries.contains { $0.key == key && now < $0.since + Self.lifetime }
        }
    }

    /// Adds one; the oldest go when there are too many.
    package func insert(_ key: Digest.Keyed, at now: ContinuousClock.Instant = .now) {
        self.entries.withLock { entries in
            entries.removeAll { $0.key == key || now >= $0.since + Self.lifetime }
            if entries.count >= self.capacity { entries.removeFirst(entries.count - self.capacity + 1) }
            entries.append((key, now))
        }
    }
}
