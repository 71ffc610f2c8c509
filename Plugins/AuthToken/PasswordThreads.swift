internal import Dispatch
internal import Synchronization

/// Where passwords are hashed: threads of their own, because each takes a processor for as long as 300 ms, and few, so that
/// strangers who guess leave processors for everybody else.
package final class PasswordThreads: Sendable {
    /// So many wait already that another one would only wait too; or the plugin stops.
    package struct Busy: Error {}

    private struct State {
        var waiting = 0
        var next = 0
        var isStopped = false
    }

    private let queues: [DispatchQueue]
    private let capacity: Int
    private let state = Mutex(State())

    /// The capacity counts what runs, too; with it the last one waits about 5 s.
    package init(threads: Int = 2, capacity: Int = 32) {
        self.queues = (0..<threads).map { DispatchQueue(label: "loghost.auth-token.password-\($0)") }
        self.capacity = capacity
    }

    /// Runs a check on one of the threads. One that nobody waits for any longer is left out.
    package func run(_ check: @escaping @Sendable () -> Bool) async throws -> Bool {
        let queue = try self.state.withLock { state throws(Busy) in
            guard !state.isStopped, state.waiting < self.capacity else { throw Busy() }
            state.waiting += 1
            state.next = (state.next + 1) % self.queues.count
            return self.queues[state.next]
        }
        let isCancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async {
                    let mayRun = !isCancelled.isSet && !self.state.withLock(\.isStopped)
                    let result = mayRun && check()
                    self.state.withLock { $0.waiting -= 1 }
                    if mayRun { continuation.resume(returning: result) } else { continuation.resume(throwing: Busy()) }
                }
            }
        } onCancel: {
            isCancelled.set()
        }
    }

    /// Leaves out what waits, and returns when nothing runs.
    package func stop() {
        self.state.withLock { $0.isStopped = true }
        for queue in self.queues { queue.sync {} }
    }
}

/// Something that happens once.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { self.value.load(ordering: .acquiring) }

    func set() { self.value.store(true, ordering: .releasing) }
}
