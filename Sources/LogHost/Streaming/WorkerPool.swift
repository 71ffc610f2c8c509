internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The bounded threads on which plugins' `[worker]` functions run: never an event loop, never the cooperative pool.
// The thread pool is safe for any thread by its own documentation; the count is atomic.
final class WorkerPool: TaskExecutor, @unchecked Sendable {
    private let threads: NIOThreadPool
    private let waiting = Atomic<Int>(0)

    /// Starts `threads` threads; 0 = four, or twice the processors if that is more.
    init(threads: Int) {
        let count = threads > 0 ? threads : max(4, 2 * NIOCore.System.coreCount)
        self.threads = NIOThreadPool(numberOfThreads: count)
        self.threads.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.waiting.add(1, ordering: .relaxed)
        self.threads.submit { _ in
            // Also when the pool is stopping: a job that is dropped is a task that never ends.
            self.waiting.subtract(1, ordering: .relaxed)
            Self.mark()
            unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }

    /// Calls that wait for a thread.
    var waitingCount: Int { max(0, self.waiting.load(ordering: .relaxed)) }

    /// True on a worker thread. For assertions: only a debug build marks its threads.
    static var isCurrent: Bool {
        #if DEBUG
            pthread_getspecific(Self.key) != nil
        #else
            true
        #endif
    }

    private static func mark() {
        #if DEBUG
            pthread_setspecific(Self.key, UnsafeRawPointer(bitPattern: 1))
        #endif
    }

    #if DEBUG
        private static let key: pthread_key_t = {
            var key = pthread_key_t()
            pthread_key_create(&key, nil)
            return key
        }()
    #endif

    /// Runs a body, and what it awaits, on the workers.
    // A preference alone says where a task goes on after it has waited; until then an optimized build stays where it was.
    func run<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        try await withTaskExecutorPreference(self) {
            await Task.yield()
            return try await body()
        }
    }

    /// Makes a call that does not await anything on a worker.
    func call<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        self.waiting.add(1, ordering: .relaxed)
        return try await withCheckedThrowingContinuation { continuation in
            self.threads.submit { _ in
                // Also when the pool is stopping: what has to be closed is closed.
                self.waiting.subtract(1, ordering: .relaxed)
                Self.mark()
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

    func stop() async {
        try? await self.threads.shutdownGracefully()
    }
}
