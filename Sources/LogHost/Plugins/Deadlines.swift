internal import Synchronization

/// What is to happen at some time unless it is taken back before: one task sleeps for all of it, as most is taken back soon.
package final class Deadlines: Sendable {
    package typealias Instant = ContinuousClock.Instant

    private struct State {
        var last: UInt64 = 0
        var actions: [UInt64: (instant: Instant, action: @Sendable () -> Void)] = [:]
        /// Sleeps until the instant, which no action's is before.
        var sleeper: (until: Instant, task: Task<Void, Never>)?
    }

    private let state = Mutex(State())

    package init() {}

    deinit { self.state.withLock { $0.sleeper?.task.cancel() } }

    /// Has an action carried out at an instant; returns the number to take it back with.
    package func add(_ instant: Instant, _ action: @escaping @Sendable () -> Void) -> UInt64 {
        self.state.withLock { state in
            state.last += 1
            state.actions[state.last] = (instant, action)
            self.sleep(until: instant, &state)
            return state.last
        }
    }

    /// Takes an action back. One that is under way is not waited for.
    package func remove(_ number: UInt64) {
        self.state.withLock { _ = $0.actions.removeValue(forKey: number) }
    }

    private func sleep(until instant: Instant, _ state: inout State) {
        if let sleeper = state.sleeper {
            guard instant < sleeper.until else { return }
            sleeper.task.cancel()
        }
        // Does not keep what it belongs to.
        let task = Task { [weak self] in
            do { try await Task.sleep(until: instant) } catch { return }
            self?.wake(at: instant)
        }
        state.sleeper = (instant, task)
    }

    private func wake(at instant: Instant) {
        let due = self.state.withLock { state -> [@Sendable () -> Void] in
            // Another sleeps for less long.
            guard state.sleeper?.until == instant else { return [] }
            state.sleeper = nil
            let now = Instant.now
            let due = state.actions.filter { $0.value.instant <= now }
            for number in due.keys { state.actions.removeValue(forKey: number) }
            if let next = state.actions.values.map(\.instant).min() { self.sleep(until: next, &state) }
            return due.values.map(\.action)
        }
        for action in due { action() }
    }
}
