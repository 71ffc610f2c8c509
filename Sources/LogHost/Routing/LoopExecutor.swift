internal import NIOCore

/// Runs the tasks of a connection on its own event loop: between its bytes and its answer nothing changes threads but what a plugin does.
// The loop outlives its channels, and with them the tasks.
final class LoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    private init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.eventLoop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Runs a body, and what it awaits, on the loop.
    static func run(on eventLoop: any EventLoop, _ body: () async -> Void) async {
        await withTaskExecutorPreference(LoopExecutor(eventLoop)) { await body() }
    }
}
