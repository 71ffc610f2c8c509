internal import Synchronization

/// The highest number that many sides of a test have come to, or their count.
final class Highest: Sendable {
    private let number = Mutex(0)

    var value: Int { self.number.withLock { $0 } }

    func advance(to number: Int) { self.number.withLock { $0 = max($0, number) } }

    func increment() { self.number.withLock { $0 += 1 } }

    /// Waits until that number has been reached; answers how long that took.
    @discardableResult
    func wait(for number: Int, within limit: Duration = .seconds(20)) async throws -> Duration {
        let start = ContinuousClock.now
        while self.value < number {
            if ContinuousClock.now - start > limit { throw HarnessError("only \(self.value) of \(number) within \(limit)") }
            try await Task.sleep(for: .milliseconds(2))
        }
        return ContinuousClock.now - start
    }

    /// The same for use in `blocking`.
    func waitBlocking(for number: Int, within limit: Duration = .seconds(20)) throws {
        let start = ContinuousClock.now
        while self.value < number {
            if ContinuousClock.now - start > limit { throw HarnessError("only \(self.value) of \(number) within \(limit)") }
            sleepThread(0.002)
        }
    }
}
