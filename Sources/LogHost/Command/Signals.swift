internal import Glibc
internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// What signals do to a running host.
struct Signals: Sendable {
    let shutdown: Shutdown
    /// How long the end may take.
    let patience: Duration
    let manager: ServiceManager
    /// Nil without a configuration file; SIGHUP then ends the process, as it does by itself.
    let reload: Reload?
    let logger: Logger

    /// Runs the services until they have ended. The first SIGTERM or SIGINT begins a graceful stop, the second ends the process at once;
    /// SIGHUP reads the configuration again; SIGUSR1 logs more by one level, SIGUSR2 less.
    func run(_ group: ServiceGroup) async throws {
        // Before anything is served: from then on somebody may send them.
        let others: [UnixSignal] = [.sigusr1, .sigusr2] + (self.reload == nil ? [] : [.sighup])
        let signals = await UnixSignalsSequence(trapping: [.sigterm, .sigint] + others)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await signal in signals {
                    switch signal {
                    case .sighup: if !self.shutdown.hasBegun { await self.reload?.run() }
                    case .sigusr1: self.log(steps: -1)
                    case .sigusr2: self.log(steps: 1)
                    default: await self.stop(group)
                    }
                }
            }
            tasks.addTask {
                try await group.run()
                throw ServicesEnded()
            }
            do {
                while try await tasks.next() != nil {}
            } catch is ServicesEnded {}
            tasks.cancelAll()
        }
    }

    /// All listeners are closed and their connections with them.
    private struct ServicesEnded: Error {}

    private func stop(_ group: ServiceGroup) async {
        if self.shutdown.hasBegun { _exit(130) }
        self.shutdown.begin()
        endAnyway(after: self.patience)
        // What the last seconds of the process take is added.
        self.manager.stopping(within: self.patience + .seconds(5))
        await group.triggerGracefulShutdown()
    }

    private func log(steps: Int) {
        let level = LogThreshold.shared.move(by: steps)
        // Whatever is logged now, this is.
        self.logger.log(level: max(level, .notice), "log level", metadata: ["level": "\(level)"])
    }
}

/// Ends the process when it has not ended by itself: a plugin's call that does not return cannot be interrupted.
private func endAnyway(after patience: Duration) {
    let seconds = UInt32(clamping: patience.components.seconds)
    var thread = pthread_t()
    let context = unsafe UnsafeMutableRawPointer(bitPattern: UInt(max(seconds, 1)))
    unsafe pthread_create(
        &thread, nil,
        { context in
            sleep(UInt32(UInt(bitPattern: context)))
            _exit(1)
        }, unsafe context)
}
