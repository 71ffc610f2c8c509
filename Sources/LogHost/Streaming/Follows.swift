internal import NIOCore
internal import ServiceLifecycle
internal import Synchronization

/// What all follows share: tails, seats for readers of their own, and one clock for all their waits.
final class Follows: Service {
    let tails: Tails
    let seats: Seats
    let metrics: FollowMetrics
    private let tick: Duration
    private let waits = Mutex<[ObjectIdentifier: FollowSignal]>([:])

    init(
        _ configuration: Configuration, wakes: WakeRegistry, metrics: FollowMetrics = FollowMetrics(),
        report: @escaping @Sendable (PluginFailure) -> Void
    ) {
        self.metrics = metrics
        self.tails = Tails(ringCapacity: configuration.streams.ringBytes, wakes: wakes, metrics: metrics, report: report)
        self.seats = Seats(capacity: configuration.limits.catchUps)
        // Fine enough for the sign of life, and too rare to cost anything.
        self.tick = min(.seconds(1), max(.milliseconds(10), configuration.streams.keepAlive / 16))
    }

    /// Lets the clock end a signal's waits.
    func add(_ signal: FollowSignal) { self.waits.withLock { $0[ObjectIdentifier(signal)] = signal } }

    func remove(_ signal: FollowSignal) { self.waits.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(signal)) } }

    func run() async throws {
        async let sweeping: Void = cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: self.tick)) != nil { self.sweep() }
        }
        await self.tails.run()
        await sweeping
    }

    private func sweep() {
        let now = NIODeadline.now()
        for signal in self.waits.withLock({ Array($0.values) }) { signal.expire(now) }
        self.tails.measure()
        self.metrics.measure(catchUps: self.seats.taken)
    }
}
