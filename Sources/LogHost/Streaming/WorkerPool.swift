internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The bounded threads on which plugins' `[worker]` functions run: never an event loop, never the cooperative pool.
// The thread pool is safe for any thread by its own documentation; the count is atomic.
package final class WorkerPool: TaskExecutor, @unchecked Sendable {
    private let threads: NIOThreadPool
    private let waiting = Atomic<Int>(0)

    /// Starts `threads` threads; 0 = four, or twice the processors if that is more.
    package init(threads: Int) {
        let count = threads > 0 ? threads : max(4, 2 * NIOCore.System.coreCount)
        self.threads = NIOThreadPool(numberOfThreads: count)
        self.threads.start()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.waiting.add(1, ordering: .relaxed)
        self.threads.submit { _ in
            // Also when the pool is stopping: a job that is dropped is a task that never ends.
            self.waiting.subtract(1, ordering: .relaxed)
            self.mark()
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }

    /// Calls that wait for a thread.
    var waitingCount: Int { max(0, self.waiting.load(ordering: .relaxed)) }

    /// True on a worker thread, of whatever pool.
    static var isCurrent: Bool { unsafe pthread_getspecific(Self.key) != nil }

    /// True on a thread of this pool.
    package var isCurrent: Bool {
        unsafe pthread_getspecific(Self.key) == Unmanaged.passUnretained(self).toOpaque()
    }

    /// Marks the thread as this pool's.
    private func mark() {
        unsafe pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key, nil)
        return key
    }()

    /// Runs a body, and what it awaits, on the workers.
    // A preference alone says where a task goes on after it has waited; until then an optimized build may stay where it was.
    package func run<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        try await withTaskExecutorPreference(self) {
            if !self.isCurrent { await Task.yield() }
            return try await body()
        }
    }

    /// Makes a call that does not await anything on a worker.
    package func call<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        self.waiting.add(1, ordering: .relaxed)
        return try await withCheckedThrowingContinuation { continuation in
            self.threads.submit { _ in
                // Also when the pool is stopping: what has to be closed is closed.
                self.waiting.subtract(1, ordering: .relaxed)
                self.mark()
                continuation.resume(with: Result(catching: body))
            }
        }
    }

    /// Returns when a thread of the pool has been free for a moment.
    func pass() async {
        await withCheckedContinuation { passed in self.threads.submit { _ in passed.resume() } }
    }

    /// Throws 503 when so many calls wait already that another request would only wait too.
    func admit(queueCapacity: Int) throws(Problem) {
        guard self.waiting.load(ordering: .relaxed) < queueCapacity else {
            throw Problem(503, "The host is busy.", retryAfter: 1)
        }
    }

    package func stop() async {
        try? await self.threads.shutdownGracefully()
    }
}
