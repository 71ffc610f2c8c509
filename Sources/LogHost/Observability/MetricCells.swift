internal import Metrics
internal import Synchronization

/// A floating-point number that many threads add to without a lock.
private struct AtomicDouble: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { self.bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ value: Double) {
        var old = self.bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + value).bitPattern
            let (isExchanged, original) = self.bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if isExchanged { return }
            old = original
        }
    }
}

/// A number that only grows.
package final class CounterCell: CounterHandler, FloatingPointCounterHandler {
    private let whole = Atomic<Int64>(0)
    private let part = AtomicDouble()

    package init() {}

    package var value: Double { Double(self.whole.load(ordering: .relaxed)) + self.part.value }

    package func increment(by amount: Int64) {
        if amount > 0 { self.whole.add(amount, ordering: .relaxed) }
    }

    /// Leaves out what would not let it grow: a plugin may say anything.
    package func increment(by amount: Double) {
        if amount > 0, amount.isFinite { self.part.add(amount) }
    }

    package func reset() {}
}

/// A level.
package final class GaugeCell: RecorderHandler, MeterHandler {
    private let number = AtomicDouble()

    package init() {}

    package var value: Double { self.number.value }

    package func record(_ value: Int64) { self.number.set(Double(value)) }
    package func record(_ value: Double) { self.number.set(value) }
    package func set(_ value: Int64) { self.number.set(Double(value)) }
    package func set(_ value: Double) { self.number.set(value) }
    package func increment(by amount: Double) { self.number.add(amount) }
    package func decrement(by amount: Double) { self.number.add(-amount) }
}

/// A distribution over fixed buckets.
package final class HistogramCell: RecorderHandler, TimerHandler {
    private final class Bucket: Sendable {
        let count = Atomic<UInt64>(0)
    }

    /// What the buckets reach up to, the last without end.
    let bounds: [Double]
    private let buckets: [Bucket]
    private let total = AtomicDouble()

    package init(bounds: [Double]) {
        self.bounds = bounds
        self.buckets = (0...bounds.count).map { _ in Bucket() }
    }

    /// How many observations each bucket has, for itself.
    var counts: [UInt64] { self.buckets.map { $0.count.load(ordering: .relaxed) } }

    var sum: Double { self.total.value }

    package func record(_ value: Int64) { self.record(Double(value)) }

    package func record(_ value: Double) {
        guard value.isFinite else { return }
        var (low, high) = (0, self.bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if value <= self.bounds[middle] { high = middle } else { low = middle + 1 }
        }
        self.buckets[low].count.add(1, ordering: .relaxed)
        self.total.add(value)
    }

    package func recordNanoseconds(_ duration: Int64) { self.record(Double(duration) / 1e9) }
}
