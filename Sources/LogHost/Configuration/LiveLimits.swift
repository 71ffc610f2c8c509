internal import Synchronization

/// The limits in force, which may be others from one moment to the next.
package final class LiveLimits: Sendable {
    private let limits: Mutex<Limits>

    package init(_ limits: Limits) {
        self.limits = Mutex(limits)
    }

    package var current: Limits { self.limits.withLock { $0 } }

    package func change(to limits: Limits) { self.limits.withLock { $0 = limits } }
}
