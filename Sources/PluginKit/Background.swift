internal import Dispatch
internal import Synchronization

/// Runs the tasks of a plugin that belong to no request, and ends them all: `stop` calls `end`.
public final class Background: Sendable {
    private struct State {
        var tasks: [UInt64: @Sendable () -> Void] = [:]
        var next: UInt64 = 0
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let running = DispatchGroup()

    /// Runs nothing yet.
    public init() {}

    /// Starts a task; after `end` it starts cancelled.
    @discardableResult
    public func start<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Task<Value, Never> {
        self.state.withLock { state in
            let id = state.next
            state.next += 1
            self.running.enter()
            let task = Task {
                let value = await body()
                // Stored before this can have the lock.
                self.state.withLock { $0.tasks[id] = nil }
                self.running.leave()
                return value
            }
            if state.hasEnded { task.cancel() } else { state.tasks[id] = { task.cancel() } }
            return task
        }
    }

    /// Cancels all tasks and waits until none runs, at most so many seconds. Blocks.
    public func end(within seconds: Int = 5) {
        let tasks = self.state.withLock { state in
            state.hasEnded = true
            return state.tasks.values.map { $0 }
        }
        for cancel in tasks { cancel() }
        _ = self.running.wait(timeout: .now() + .seconds(seconds))
    }
}
