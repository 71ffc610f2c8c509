internal import NIOCore
internal import Synchronization

/// What a waiting follow is woken by. No thread waits: the task is suspended until a signal or a time.
package final class FollowSignal: Sendable {
    enum Reason: Sendable, Hashable {
        case wake
        case timeout
        case clientGone
        case shutdown
        /// It is no longer authorized.
        case refused(Problem)
    }

    private struct State {
        /// Came while nobody waited; the next wait answers it.
        var wasWoken = false
        /// Final once set.
        var ending: Reason?
        /// When the present wait is over.
        var deadline = NIODeadline.distantFuture
        var continuation: CheckedContinuation<Reason, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    var ending: Reason? { self.state.withLock { $0.ending } }

    /// Why it is no longer authorized, if that is so.
    package var refusal: Problem? { if case .refused(let problem) = self.ending { problem } else { nil } }

    /// There may be something.
    func wake() {
        let continuation = self.state.withLock { state in
            let continuation = state.continuation.take()
            if continuation == nil { state.wasWoken = true }
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

    /// Ends a wait whose time is over.
    func expire(_ now: NIODeadline) {
        let continuation = self.state.withLock { state in
            state.deadline <= now ? state.continuation.take() : nil
        }
        continuation?.resume(returning: .timeout)
    }

    /// Waits for a signal, until somebody calls `expire` at or after the deadline. One waiter at a time.
    func wait(until deadline: NIODeadline) async -> Reason {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let reason = self.suspend(continuation, deadline) { continuation.resume(returning: reason) }
            }
        } onCancel: {
            self.end(.shutdown)
        }
    }

    /// Waits for a signal, at most so long, with a timer of its own.
    func wait(_ duration: TimeAmount, on eventLoop: any EventLoop) async -> Reason {
        let deadline = NIODeadline.now() + duration
        let timer = eventLoop.scheduleTask(deadline: deadline) { self.expire(deadline) }
        defer { timer.cancel() }
        return await self.wait(until: deadline)
    }

    /// Waits for a wake, at most so long; false when none has come. Throws when nobody waits for the answer any more; a client that is named
    /// and leaves meanwhile ends the wait.
    func waitForWake(_ duration: TimeAmount, of client: ClientConnection? = nil, on eventLoop: any EventLoop) async throws -> Bool
    {
        client?.onGone { self.end(.clientGone) }
        defer { client?.onGone(nil) }
        switch await self.wait(max(.zero, duration), on: eventLoop) {
        case .wake: return true
        case .timeout: return false
        case .clientGone, .shutdown, .refused: throw CancellationError()
        }
    }

    /// Stores the continuation, or answers what has happened already.
    private func suspend(_ continuation: CheckedContinuation<Reason, Never>, _ deadline: NIODeadline) -> Reason? {
        self.state.withLock { state in
            if let ending = state.ending { return ending }
            if state.wasWoken {
                state.wasWoken = false
                return .wake
            }
            if deadline <= .now() { return .timeout }
            state.deadline = deadline
            state.continuation = continuation
            return nil
        }
    }
}
