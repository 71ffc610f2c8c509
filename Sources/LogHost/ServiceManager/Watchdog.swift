internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// Tells the service manager that the host works, each time that all which answers requests has just done something: every event loop, the
/// workers, and the threads that read for all who follow. When one of them is stuck nothing is sent, and the manager starts the host anew.
struct Watchdog: Service {
    let manager: ServiceManager
    /// How often the manager wants to hear of it.
    let interval: Duration
    let pools: [WorkerPool]

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: self.interval / 2)) != nil {
                for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { try? await loop.submit {}.get() }
                for pool in self.pools { await pool.pass() }
                self.manager.isAlive()
            }
        }
    }
}
