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
        var wasWoken = false
        /// Final once set.
        var ending: Reason?
        var continuation: CheckedContinuation<Reason, Never>?
    }

    private let state = Mutex(State())

    /// The source may have something; counts also when nobody waits yet.
    func wake() { self.signal(.wake) }

    /// The follow is to end.
    func end(_ reason: Reason) { self.signal(reason) }

    var ending: Reason? { self.state.withLock { $0.ending } }

    private func signal(_ reason: Reason) {
        let continuation = self.state.withLock { state in
            switch reason {
            case .wake: state.wasWoken = true
            case .timeout: break
            case .clientGone, .shutdown: state.ending = state.ending ?? reason
            }
            guard let continuation = state.continuation.take() else { return nil as CheckedContinuation<Reason, Never>? }
            if reason == .wake { state.wasWoken = false }
            return continuation
        }
        continuation?.resume(returning: reason)
    }

    /// Waits for a signal, at most so long. One waiter at a time.
    func wait(_ duration: TimeAmount, on eventLoop: any EventLoop) async -> Reason {
        let timer = eventLoop.scheduleTask(in: duration) { self.signal(.timeout) }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let reason = self.state.withLock { state -> Reason? in
                    if let ending = state.ending { return ending }
                    if state.wasWoken {
                        state.wasWoken = false
                        return .wake
                    }
                    state.continuation = continuation
                    return nil
                }
                if let reason { continuation.resume(returning: reason) }
            }
        } onCancel: {
            self.signal(.shutdown)
        }
    }
}
