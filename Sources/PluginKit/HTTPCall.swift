internal import Synchronization

/// One request of a plugin's, between the host's call backs and the tasks that wait for it.
final class HTTPCall: Sendable {
    private enum Phase {
        /// -> running | over
        case new
        /// The host has it. -> over
        case running
        /// Completed or given up.
        case over
    }

    private struct State {
        var phase = Phase.new
        var id: UInt64 = 0
        /// True while the host's context holds a reference.
        var isLent = false
        var answer: Result<HTTPResponse, any Error>?
        var answerWaiter: CheckedContinuation<HTTPResponse, any Error>?
        var chunks: [[UInt8]] = []
        var byteCount = 0
        var isPaused = false
        /// How the body ends; nil while it goes on.
        var end: Result<Void, any Error>?
        var chunkWaiter: CheckedContinuation<[UInt8]?, any Error>?
    }

    /// What waits for its reader, not counting one last chunk.
    private static let capacity = 256 << 10

    private let service: HTTPHostService
    private let calls: HTTPCalls
    private let state = Mutex(State())

    init(service: HTTPHostService, calls: HTTPCalls) {
        self.service = service
        self.calls = calls
    }

    /// Gives the request to the host; throws what the host has against it.
    func begin(_ request: HTTPRequest, isStream: Bool) throws {
        let isNew = self.state.withLock { state in
            guard case .new = state.phase else { return false }
            state.phase = .running
            state.isLent = true
            return true
        }
        guard isNew, self.calls.add(self) else {
            self.cancel()
            throw CancellationError()
        }
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe self.service.begin(request, isStream: isStream, context: context)
        switch result {
        case .failure(let error):
            self.state.withLock { $0.phase = .over }
            self.calls.remove(self)
            self.endLoan()
            throw error
        case .success(let id):
            // Given up while the host took it: nobody knew its number yet.
            let isLate = self.state.withLock { state in
                state.id = id
                return state.isLent && state.phase == .over
            }
            if isLate { self.giveUp(id) }
        }
    }

    /// The answer: all of it, or a stream's head. Waited for once.
    func answer() async throws -> HTTPResponse {
        try await withCheckedThrowingContinuation { continuation in
            let answer = self.state.withLock { state -> Result<HTTPResponse, any Error>? in
                if state.answer == nil { state.answerWaiter = continuation }
                return state.answer
            }
            if let answer { continuation.resume(with: answer) }
        }
    }

    /// The next bytes of a stream; nil at its end. One at a time.
    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await withCheckedThrowingContinuation { continuation in
                var resumes: UInt64?
                let result = self.state.withLock { state -> Result<[UInt8]?, any Error>? in
                    if !state.chunks.isEmpty {
                        let chunk = state.chunks.removeFirst()
                        state.byteCount -= chunk.count
                        if state.isPaused, state.chunks.isEmpty {
                            state.isPaused = false
                            resumes = state.id
                        }
                        return .success(chunk)
                    }
                    if let end = state.end { return end.map { nil } }
                    state.chunkWaiter = continuation
                    return nil
                }
                if let resumes { self.service.resume(resumes) }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            self.cancel()
        }
    }

    /// Gives the request up; who waits gets a `CancellationError`. Does nothing when it is over.
    func cancel() {
        let id = self.state.withLock { state -> UInt64? in
            guard state.phase != .over else { return nil }
            state.phase = .over
            return state.id
        }
        guard let id else { return }
        // Without a number yet, `begin` gives it up.
        if id != 0 { self.giveUp(id) }
        self.calls.remove(self)
        self.finish(.failure(CancellationError()), nil)
    }

    private func giveUp(_ id: UInt64) {
        self.service.cancel(id)
        // No call back runs any more; without `complete` nobody else ends the loan.
        self.endLoan()
    }

    /// Ends the reference that the host's context holds, once.
    private func endLoan() {
        let wasLent = self.state.withLock { state in
            defer { state.isLent = false }
            return state.isLent
        }
        if wasLent { unsafe Unmanaged.passUnretained(self).release() }
    }

    /// Wakes whoever waits: with the answer, or with the reason why there is none or no more.
    private func finish(_ end: Result<Void, any Error>, _ response: HTTPResponse?) {
        let (answerWaiter, chunkWaiter, answer) = self.state.withLock { state in
            if case .failure(let error) = end, error is CancellationError { state.chunks = [] }
            if state.end == nil { state.end = end }
            if state.answer == nil {
                switch end {
                case .success: state.answer = .success(response ?? HTTPResponse(status: 0))
                case .failure(let error): state.answer = .failure(error)
                }
            }
            defer { (state.answerWaiter, state.chunkWaiter) = (nil, nil) }
            return (state.answerWaiter, state.chunkWaiter, state.answer)
        }
        if let answer { answerWaiter?.resume(with: answer) }
        chunkWaiter?.resume(with: end.map { nil })
    }

    // What the host calls.

    func head(_ response: HTTPResponse) {
        let waiter = self.state.withLock { state in
            state.answer = .success(response)
            defer { state.answerWaiter = nil }
            return state.answerWaiter
        }
        waiter?.resume(returning: response)
    }

    /// Answers false for a pause.
    func chunk(_ bytes: [UInt8]) -> Bool {
        let (waiter, goesOn) = self.state.withLock { state -> (CheckedContinuation<[UInt8]?, any Error>?, Bool) in
            guard state.phase == .running else { return (nil, false) }
            if let waiter = state.chunkWaiter {
                state.chunkWaiter = nil
                return (waiter, true)
            }
            // Together, so that a body in single bytes does not become as many arrays.
            if let last = state.chunks.indices.last, state.chunks[last].count + bytes.count <= 64 << 10 {
                state.chunks[last] += bytes
            } else {
                state.chunks.append(bytes)
            }
            state.byteCount += bytes.count
            state.isPaused = state.byteCount >= Self.capacity
            return (nil, !state.isPaused)
        }
        waiter?.resume(returning: bytes)
        return goesOn
    }

    func complete(_ result: Result<HTTPResponse?, any Error>) {
        let isFirst = self.state.withLock { state in
            defer { state.phase = .over }
            return state.phase != .over
        }
        if isFirst {
            self.calls.remove(self)
            switch result {
            case .success(let response): self.finish(.success(()), response)
            case .failure(let error): self.finish(.failure(error), nil)
            }
        }
        self.endLoan()
    }
}
