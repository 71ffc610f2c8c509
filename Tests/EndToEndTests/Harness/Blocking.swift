internal import Glibc

/// Runs work that blocks on a thread of its own, so that it never holds up the tests' shared threads.
///
/// Expectations belong outside: on that thread nothing knows which test is running.
func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        startThread { continuation.resume(with: Result(catching: work)) }
    }
}

/// Starts a thread and forgets it.
func startThread(_ work: @escaping @Sendable () -> Void) {
    let job = unsafe Unmanaged.passRetained(Job(work)).toOpaque()
    var thread = pthread_t()
    let result = unsafe pthread_create(
        &thread, nil,
        { pointer in
            if let pointer = unsafe pointer { unsafe Unmanaged<Job>.fromOpaque(pointer).takeRetainedValue().work() }
            return nil
        }, job)
    precondition(result == 0, "no thread could be started (error \(result))")
    pthread_detach(thread)
}

private final class Job {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
}

/// Lets this thread do nothing for a while. For use in `blocking`.
func sleepThread(_ seconds: Double) { usleep(UInt32(seconds * 1_000_000)) }
