internal import Synchronization

/// One call that a plugin completes now or later, exactly once, from any thread.
package final class Operation<Value: Sendable>: Sendable {
    private enum State {
        /// -> waiting | done
        case open
        /// -> done
        case waiting(CheckedContinuation<Value, any Error>)
        /// Completed before anybody waited; final after the wait.
        case done(Result<Value, any Error>)
    }

    private let state = Mutex(State.open)

    package init() {}

    /// Completes; false when that has happened before.
    package func complete(_ result: Result<Value, any Error>) -> Bool {
        let continuation: CheckedContinuation<Value, any Error>?
        let isFirst: Bool
        (continuation, isFirst) = self.state.withLock { state in
            switch state {
            case .open:
                state = .done(result)
                return (nil, true)
            case .waiting(let continuation):
                state = .done(result)
                return (continuation, true)
            case .done:
                return (nil, false)
            }
        }
        continuation?.resume(with: result)
        return isFirst
    }

    /// What it was completed with; nil before that.
    fileprivate var result: Result<Value, any Error>? {
        self.state.withLock { state in
            if case .done(let result) = state { result } else { nil }
        }
    }

    /// The result. Waited for once; does not suspend when it is there already.
    package func value() async throws -> Value {
        if let result { return try result.get() }
        return try await withCheckedThrowingContinuation { continuation in
            let result = self.state.withLock { state -> Result<Value, any Error>? in
                if case .done(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }
}

/// An operation that nobody has completed in time.
package struct OperationTimeout: Error {
    package init() {}
}

/// One count for the operations of all kinds: a plugin is told with the number alone which one is given up.
private let lastOperationID = Atomic<UInt64>(0)

/// The open operations of one kind, by the number the plugin completes them with. A number that is not there any more is
/// a late completion, and nobody's.
package final class OperationTable<Value: Sendable>: Sendable {
    private let operations = Mutex<[UInt64: Operation<Value>]>([:])
    private let deadlines = Deadlines()

    package init() {}

    /// Runs one operation: `begin` makes the plugin's call, `cancel` gives it up when the waiting task is cancelled, the deadline has
    /// passed, or the client has gone.
    package func perform(
        until deadline: ContinuousClock.Instant? = nil, for client: ClientConnection? = nil, begin: (UInt64) -> Void,
        cancel: @escaping @Sendable (UInt64) -> Void
    ) async throws -> Value {
        let operation = Operation<Value>()
        let id = lastOperationID.add(1, ordering: .relaxed).newValue
        self.operations.withLock { $0[id] = operation }
        begin(id)
        if let result = operation.result { return try result.get() }
        let giveUp = { @Sendable (error: any Error) -> Void in
            guard self.operations.withLock({ $0.removeValue(forKey: id) }) != nil else { return }
            cancel(id)
            _ = operation.complete(.failure(error))
        }
        client?.onGone(of: .call) { giveUp(CancellationError()) }
        defer { client?.onGone(of: .call, nil) }
        let timeout = deadline.map { self.deadlines.add($0) { giveUp(OperationTimeout()) } }
        defer { if let timeout { self.deadlines.remove(timeout) } }
        return try await withTaskCancellationHandler {
            try await operation.value()
        } onCancel: {
            giveUp(CancellationError())
        }
    }

    /// Completes an operation; false when it is late.
    package func complete(_ id: UInt64, _ result: Result<Value, any Error>) -> Bool {
        guard let operation = self.operations.withLock({ $0.removeValue(forKey: id) }) else { return false }
        return operation.complete(result)
    }
}
