internal import Synchronization

/// The open requests of an instance, so that its end can end them.
final class HTTPCalls: Sendable {
    private struct State {
        var calls: [ObjectIdentifier: HTTPCall] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Answers false once the instance has stopped.
    func add(_ call: HTTPCall) -> Bool {
        self.state.withLock { state in
            if !state.isClosed { state.calls[ObjectIdentifier(call)] = call }
            return !state.isClosed
        }
    }

    func remove(_ call: HTTPCall) { self.state.withLock { _ = $0.calls.removeValue(forKey: ObjectIdentifier(call)) } }

    /// Gives up everything that is open; nothing begins any more.
    func close() {
        let calls = self.state.withLock { state in
            state.isClosed = true
            return Array(state.calls.values)
        }
        for call in calls { call.cancel() }
    }
}
