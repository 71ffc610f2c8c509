internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import PluginABI
internal import Synchronization

/// One request to another server whose answer is passed on. What has come waits here until the client has room, never more than a few
/// buffers: then the other server's connection is not read.
final class ForwardedExchange: HTTPClientResponseDelegate, Sendable {
    typealias Response = Void

    enum Arrival {
        case pieces([ByteBuffer])
        case end
        case failure(PluginFailure)
        /// The signal tells when there is something.
        case nothing
    }

    private struct State {
        var task: HTTPClient.Task<Void>?
        var head: HTTPResponseHead?
        var pieces: [ByteBuffer] = []
        var byteCount = 0
        /// Kept while there is enough; the connection is read again when it succeeds.
        var pause: EventLoopPromise<Void>?
        /// Final once set.
        var ending: Result<Void, PluginFailure>?
    }

    /// What is gathered before the other server has to wait. Small pieces are counted too: each may keep a whole buffer alive.
    private static let byteCapacity = 64 << 10
    private static let pieceCapacity = 16
    private static let headerCapacity = 64 << 10

    private let signal: FollowSignal
    private let loop: any EventLoop
    private let metrics: OutboundMetrics
    private let start = NIODeadline.now()
    private let onEnd: @Sendable () -> Void
    private let state = Mutex(State())

    init(signal: FollowSignal, loop: any EventLoop, metrics: OutboundMetrics, onEnd: @escaping @Sendable () -> Void) {
        self.signal = signal
        self.loop = loop
        self.metrics = metrics
        self.onEnd = onEnd
    }

    func begin(_ request: HTTPClient.Request, _ client: HTTPClient) {
        let task = client.execute(request: request, delegate: self, eventLoop: .delegate(on: self.loop), logger: nil)
        self.state.withLock { if $0.ending == nil { $0.task = task } }
        task.futureResult.whenComplete { result in self.end(result.mapError { PluginFailure(outbound: $0) }) }
    }

    /// The head of the answer; nil before it has come. Throws what the other server failed with.
    func head() throws(PluginFailure) -> HTTPResponseHead? {
        let (head, ending) = self.state.withLock { ($0.head, $0.ending) }
        if let head { return head }
        guard case .failure(var failure) = ending else { return nil }
        // That the other server says too much is not the client's fault.
        if failure.code == LOGHOST_ERROR_LIMIT { failure.code = LOGHOST_ERROR_UPSTREAM }
        throw failure
    }

    /// Takes what has come of the body, all of it at once.
    func take() -> Arrival {
        let (arrival, pause) = self.state.withLock { state -> (Arrival, EventLoopPromise<Void>?) in
            guard state.pieces.isEmpty else {
                let pieces = state.pieces
                state.pieces = []
                state.byteCount = 0
                return (.pieces(pieces), state.pause.take())
            }
            switch state.ending {
            case .success: return (.end, nil)
            case .failure(let failure): return (.failure(failure), nil)
            case nil: return (.nothing, nil)
            }
        }
        pause?.succeed()
        return arrival
    }

    /// Gives the request up, and with it its connection, unless it has ended.
    func cancel() {
        let task = self.state.withLock { $0.task }
        if self.end(.failure(.stopping), isCancelled: true) { task?.cancel() }
    }

    @discardableResult
    private func end(_ result: Result<Void, PluginFailure>, isCancelled: Bool = false) -> Bool {
        let (isFirst, head, pause) = self.state.withLock { state in
            guard state.ending == nil else { return (false, HTTPResponseHead?.none, EventLoopPromise<Void>?.none) }
            state.ending = result
            state.task = nil
            return (true, state.head, state.pause.take())
        }
        guard isFirst else { return false }
        pause?.succeed()
        if head == nil { self.metrics.recordDuration(since: self.start) }
        switch result {
        case _ where isCancelled: self.metrics.countCancelled()
        case .success: self.metrics.count(status: head?.status.code ?? 0)
        case .failure(let failure): self.metrics.count(failure)
        }
        self.onEnd()
        self.signal.wake()
        return true
    }

    // MARK: What the client says

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        let size = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        if size > Self.headerCapacity {
            self.end(.failure(.largeHeader))
            task.cancel()
        } else {
            self.metrics.recordDuration(since: self.start)
            self.state.withLock { if $0.ending == nil { $0.head = head } }
            self.signal.wake()
        }
        return self.loop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        guard buffer.readableBytes > 0 else { return self.loop.makeSucceededVoidFuture() }
        let pause = self.state.withLock { state -> EventLoopPromise<Void>? in
            guard state.ending == nil else { return nil }
            state.pieces.append(buffer)
            state.byteCount += buffer.readableBytes
            guard state.byteCount >= Self.byteCapacity || state.pieces.count >= Self.pieceCapacity else { return nil }
            let pause = self.loop.makePromise(of: Void.self)
            state.pause = pause
            return pause
        }
        self.signal.wake()
        return pause?.futureResult ?? self.loop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {}
}
