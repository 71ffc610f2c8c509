internal import Synchronization

/// Gives each token a number, so that what is named by its token need not hold it.
final class TokenNumbers: Sendable {
    private struct State {
        var numbers: [String: UInt64] = [:]
        var next: UInt64 = 1
    }

    private static let capacity = 10_000

    private let state = Mutex(State())

    /// The same number for the same token, as long as it is remembered; a number is never used twice.
    func number(of token: String) -> UInt64 {
        self.state.withLock { state in
            if let number = state.numbers[token] { return number }
            // Whoever comes again gets another number, and shares with nobody who has the old one.
            if state.numbers.count >= Self.capacity { state.numbers.removeAll() }
            let number = state.next
            state.next += 1
            state.numbers[token] = number
            return number
        }
    }
}
