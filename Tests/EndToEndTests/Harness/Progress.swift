internal import Synchronization

/// Tells one side of a test how far the other has come.
final class Progress: Sendable {
    private let number = Mutex(0)

    func advance(to number: Int) { self.number.withLock { $0 = max($0, number) } }

    /// Waits until that number has been reached, at most 20 seconds.
    func wait(for number: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while self.number.withLock({ $0 }) < number {
            guard ContinuousClock.now < deadline else {
                throw HarnessError("the other side came only to \(self.number.withLock { $0 }), not to \(number)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
