internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes
internal import Synchronization

/// Hands the streams of one connection to the task that answers them. Every stream that is added is handed over, also when the connection
/// has ended or the task is cancelled: each has a task to its end.
final class IncomingStreams: Sendable {
    typealias Stream = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    private enum State {
        /// At most so many as HTTP/2 lets a client open.
        case open([Stream])
        case waiting(CheckedContinuation<Stream?, Never>)
        case ended([Stream])
    }

    private let state = Mutex(State.open([]))

    func add(_ stream: Stream) {
        let continuation: CheckedContinuation<Stream?, Never>? = self.state.withLock { state in
            switch state {
            case .open(let streams): state = .open(streams + [stream])
            case .ended(let streams): state = .ended(streams + [stream])
            case .waiting(let continuation):
                state = .open([])
                return continuation
            }
            return nil
        }
        continuation?.resume(returning: stream)
    }

    /// There will be no more: the connection is closed.
    func end() {
        let continuation: CheckedContinuation<Stream?, Never>? = self.state.withLock { state in
            switch state {
            case .open(let streams): state = .ended(streams)
            case .ended: break
            case .waiting(let continuation):
                state = .ended([])
                return continuation
            }
            return nil
        }
        continuation?.resume(returning: nil)
    }

    /// Waits for the next stream; nil when there will be none. One task asks.
    func next() async -> Stream? {
        await withCheckedContinuation { continuation in
            let answer: Stream?? = self.state.withLock { state in
                switch state {
                case .open(var streams) where !streams.isEmpty:
                    let first = streams.removeFirst()
                    state = .open(streams)
                    return first
                case .ended(var streams) where !streams.isEmpty:
                    let first = streams.removeFirst()
                    state = .ended(streams)
                    return first
                case .ended:
                    return .some(nil)
                case .open, .waiting:
                    state = .waiting(continuation)
                    return .none
                }
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
