internal import NIOCore
internal import Synchronization

/// What a waiting follow is woken by. No thread waits: the task is suspended until a signal or a timer of the event loop.
final class FollowSignal: Sendable {
    enum Reason: Sendable {
        case wake
        case timeout
        case clientGone
        case shutdown
    }

    private struct State {
        /// Came while nobody waited; the next wait answers it.
        var wasWoken = false
        /// Final once set.
        var ending: Reason?
        /// Counts the waits, so that a late timer hits no other wait than its own.
        var wait = 0
        /// The wait whose timer came before its continuation.
        var timedOut = 0
        var continuation: CheckedContinuation<Reason, Never>?
    }

    private let state = Mutex(State())

    var ending: Reason? { self.state.withLock { $0.ending } }

    /// The source may have something.
    func wake() {
        let continuation = self.state.withLock { state in
            let continuation = state.continuation.take()
            state.wasWoken = continuation == nil
            return continuation
        }
        continuation?.resume(returning: .wake)
    }

    /// The follow is to end.
    func end(_ reason: Reason) {
        let continuation = self.state.withLock { state in
            state.ending = state.ending ?? reason
            return state.continuation.take()
        }
        continuation?.resume(returning: reason)
    }

    /// Waits for a signal, at most so long. One waiter at a time.
    func wait(_ duration: TimeAmount, on eventLoop: any EventLoop) async -> Reason {
        let id = self.state.withLock { state in
            state.wait += 1
            return state.wait
        }
        let timer = eventLoop.scheduleTask(in: duration) { self.timeout(id) }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let reason = self.suspend(continuation, id) { continuation.resume(returning: reason) }
            }
        } onCancel: {
            self.end(.shutdown)
        }
    }

    /// Stores the continuation, or answers what has happened already.
    private func suspend(_ continuation: CheckedContinuation<Reason, Never>, _ id: Int) -> Reason? {
        self.state.withLock { state in
            if let ending = state.ending { return ending }
            if state.wasWoken {
                state.wasWoken = false
                return .wake
            }
            if state.timedOut == id { return .timeout }
            state.continuation = continuation
            return nil
        }
    }

    private func timeout(_ id: Int) {
        let continuation = self.state.withLock { state -> CheckedContinuation<Reason, Never>? in
            guard state.wait == id else { return nil }
            state.timedOut = id
            return state.continuation.take()
        }
        continuation?.resume(returning: .timeout)
    }
}
