internal import Dispatch
internal import Synchronization

/// Threads of a plugin's own for what blocks, such as a disk or a costly hash: the shared cooperative pool must not be held up, and a
/// few threads bound what such work takes from everybody else.
public final class BlockingThreads: Sendable {
    private struct State {
        var waiting = 0
        var next = 0
        var isStopped = false
    }

    private let queues: [DispatchQueue]
    private let capacity: Int
    private let state = Mutex(State())

    /// The capacity counts what runs, too.
    public init(label: String, threads: Int, capacity: Int) {
        self.queues = (0..<threads).map { DispatchQueue(label: "\(label)-\($0)") }
        self.capacity = capacity
    }

    /// Runs work on one of the threads. Work that nobody waits for any longer is left out, and that is a `CancellationError`. When so much
    /// waits already that more would only wait too, or after `stop`, this throws `.limit`, which may succeed later.
    public func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let queue = try self.state.withLock { state throws(PluginError) in
            guard !state.isStopped, state.waiting < self.capacity else { throw Self.busy }
            state.waiting += 1
            state.next = (state.next + 1) % self.queues.count
            return self.queues[state.next]
        }
        let isCancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async {
                    let isStopped = self.state.withLock(\.isStopped)
                    let result: Result<Value, any Error> =
                        if isStopped {
                            .failure(Self.busy)
                        } else if isCancelled.isSet {
                            .failure(CancellationError())
                        } else {
                            Result { try work() }
                        }
                    self.state.withLock { $0.waiting -= 1 }
                    continuation.resume(with: result)
                }
            }
        } onCancel: {
            isCancelled.set()
        }
    }

    private static let busy = PluginError(.limit, "Too much is waiting already.", retryable: true)

    /// Leaves out what waits, and returns when nothing runs.
    public func stop() {
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
