package import Metrics
package import NIOCore

/// What operators see of the follows.
package final class FollowMetrics: Sendable {
    /// Follows that take from a tail.
    private let followers: Gauge
    private let tails: Gauge
    private let ringBytes: Gauge
    /// Readers that follows have of their own.
    private let catchUps: Gauge
    /// From a tail's reading of an entry until the follower's connection has taken it.
    private let delay: Metrics.Timer
    private let gaps: [String: Counter]

    package init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.followers = Gauge(label: "loghost_followers", dimensions: [], factory: factory)
        self.tails = Gauge(label: "loghost_tails", dimensions: [], factory: factory)
        self.ringBytes = Gauge(label: "loghost_ring_bytes", dimensions: [], factory: factory)
        self.catchUps = Gauge(label: "loghost_catch_ups", dimensions: [], factory: factory)
        self.delay = Metrics.Timer(label: "loghost_delivery_delay_seconds", dimensions: [], factory: factory)
        self.gaps = Dictionary(
            uniqueKeysWithValues: ["rotation", "vacuum", "truncation", "source-error"].map { cause in
                (cause, Counter(label: "loghost_gaps_total", dimensions: [("cause", cause)], factory: factory))
            })
    }

    package func measure(followers: Int, tails: Int, ringBytes: Int) {
        self.followers.record(followers)
        self.tails.record(tails)
        self.ringBytes.record(ringBytes)
    }

    package func measure(catchUps: Int) { self.catchUps.record(catchUps) }

    package func countGap(_ cause: String) { self.gaps[cause]?.increment() }

    package func recordDelay(since start: NIODeadline) { self.delay.recordNanoseconds((.now() - start).nanoseconds) }
}
