internal import Synchronization

/// Carries a plugin's `wake` to whoever waits for that reader. Ids are never used twice, so a late wake hits nobody.
package final class WakeRegistry: Sendable {
    private struct State {
        var nextID: UInt64 = 1
        var listeners: [UInt64: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Registers a listener, called on the waking thread; it must not block.
    func register(_ listener: @escaping @Sendable () -> Void) -> UInt64 {
        self.state.withLock { state in
            let id = state.nextID
            state.nextID += 1
            state.listeners[id] = listener
            return id
        }
    }

    func remove(_ id: UInt64) {
        self.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
    }

    func wake(_ id: UInt64) {
        self.state.withLock { $0.listeners[id] }?()
    }
}
