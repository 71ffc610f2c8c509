internal import PluginKit
internal import Synchronization

/// Lets so many do something at once. The others wait for their turns, in the order in which they came.
final class Turns: Sendable {
    private struct State {
        var free: Int
        /// The last who has come, and who is next; those in between who are not waiting have given up.
        var last: UInt64 = 0
        var next: UInt64 = 1
        var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }

    private let capacity: Int
    private let state: Mutex<State>

    /// `capacity`: how many may wait.
    init(_ count: Int, capacity: Int) {
        self.capacity = capacity
        self.state = Mutex(State(free: count))
    }

    /// Does it in turn. Throws `.limit` when too many wait already.
    func take<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await self.begin()
        defer { self.end() }
        return try await body()
    }

    private func begin() async throws {
        let isFree = self.state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
        if isFree { return }
        let number = self.state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { turn in
                let result = self.state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.free > 0 {
                        state.free -= 1
                        return .success(())
                    }
                    guard state.waiting.count < self.capacity else {
                        return .failure(PluginError(.limit, "Too many requests wait for the Mesos agent.", retryable: true))
                    }
                    state.waiting[number] = turn
                    state.next = min(state.next, number)
                    return nil
                }
                if let result { turn.resume(with: result) }
            }
        } onCancel: {
            self.state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(throwing: CancellationError())
        }
    }

    private func end() {
        self.state.withLock { state -> CheckedContinuation<Void, any Error>? in
            while !state.waiting.isEmpty {
                state.next += 1
                if let turn = state.waiting.removeValue(forKey: state.next - 1) { return turn }
            }
            state.next = state.last + 1
            state.free += 1
            return nil
        }?.resume()
    }
}
