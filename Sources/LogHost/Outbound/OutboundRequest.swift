internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import PluginABI
internal import Synchronization

/// One request to another server, from `request` to its `complete`, or to its `cancel`.
///
/// Everything happens on its loop. Only a cancel comes from any thread: it raises a flag that every call back is preceded by, and
/// passes the gate that a call back holds, so that none is running any more when it returns.
final class OutboundRequest: Sendable {
    private enum Phase {
        /// -> running | ended
        case waiting
        /// -> running (redirected) | ended
        case running(HTTPClient.Task<Void>)
        case ended
    }

    private struct State {
        var phase = Phase.waiting
        /// Counts redirects; what an earlier exchange still says concerns nobody.
        var hop = 0
        var description: OutboundDescription
        var head: HTTPResponseHead?
        var body = ByteBuffer()
        /// Kept while the plugin wants no more; the connection is read again when it succeeds.
        var pause: EventLoopPromise<Void>?
        var timer: Scheduled<Void>?
        var lastRead = NIODeadline.now()
    }

    private static let redirectLimit = 5
    private static let headerCapacity = 64 << 10
    /// A stream that is silent for longer has lost its server.
    static let idleTimeout = TimeAmount.minutes(5)

    let id: UInt64
    private let loop: any EventLoop
    private let client: HTTPClient
    private let callbacks: OutboundCallbacks
    private let service: HTTPService
    private let metrics: OutboundMetrics
    private let start = NIODeadline.now()
    private let isCancelled = Atomic(false)
    private let gate = Mutex<Void>(())
    private let hasLeft = Atomic(false)
    private let state: NIOLoopBoundBox<State>

    init(
        id: UInt64, _ description: OutboundDescription, _ callbacks: OutboundCallbacks, service: HTTPService, client: HTTPClient,
        loop: any EventLoop, metrics: OutboundMetrics
    ) {
        self.id = id
        self.loop = loop
        self.client = client
        self.callbacks = callbacks
        self.service = service
        self.metrics = metrics
        self.state = .makeBoxSendingValue(State(description: description), eventLoop: loop)
    }

    /// Begins. No call back comes before it has returned to the loop, so never on the thread that asked.
    func begin() {
        self.loop.execute {
            guard case .waiting = self.state.value.phase, !self.isCancelled.load(ordering: .acquiring) else { return }
            let deadline = self.start + self.state.value.description.deadline
            self.state.value.timer = self.loop.scheduleTask(deadline: deadline) { self.end(.failure(.slow)) }
            self.exchange()
        }
    }

    /// Lets a paused stream go on.
    // By way of the loop: one that comes while `chunk` is running counts after it.
    func resume() {
        self.loop.execute {
            guard let pause = self.state.value.pause else { return }
            self.state.value.pause = nil
            self.state.value.lastRead = .now()
            pause.succeed()
        }
    }

    /// Gives up; when it returns no call back runs or will come, unless it is called from one.
    func cancel() {
        self.isCancelled.store(true, ordering: .sequentiallyConsistent)
        // On the loop no call back of this instance runs, except one that this is called from.
        if !self.loop.inEventLoop { self.gate.withLock { _ in } }
        self.leave()
        self.loop.execute { self.end(.failure(.stopping)) }
    }

    /// Makes place for another request, once: at the end, or already when it is given up, though its loop may be busy.
    private func leave() {
        if !self.hasLeft.exchange(true, ordering: .relaxed) { self.service.ended() }
    }

    private func exchange() {
        let description = self.state.value.description
        let request: HTTPClient.Request
        do {
            request = try HTTPClient.Request(
                url: description.url, method: description.method, headers: description.headers,
                body: description.body.map { .byteBuffer($0) }, tlsConfiguration: description.tls)
        } catch {
            self.end(.failure(PluginFailure(outbound: error)))
            return
        }
        let hop = self.state.value.hop
        let task = self.client.execute(
            request: request, delegate: OutboundExchange(request: self, hop: hop), eventLoop: .delegate(on: self.loop),
            logger: nil)
        self.state.value.phase = .running(task)
        task.futureResult.hop(to: self.loop).whenComplete { result in
            guard self.isCurrent(hop) else { return }
            switch result {
            case .success: self.end(.success(()))
            case .failure(let error): self.end(.failure(PluginFailure(outbound: error)))
            }
        }
    }

    private func isCurrent(_ hop: Int) -> Bool {
        if case .running = self.state.value.phase { self.state.value.hop == hop } else { false }
    }

    func receive(_ head: HTTPResponseHead, hop: Int) {
        guard self.isCurrent(hop) else { return }
        let size = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard size <= Self.headerCapacity else { return self.end(.failure(.largeHeader)) }
        if let next = self.state.value.description.redirected(by: head) { return self.follow(next) }
        self.state.value.head = head
        guard self.state.value.description.isStream else { return }
        self.metrics.recordDuration(since: self.start)
        self.state.value.timer?.cancel()
        self.watchSilence()
        self.deliver { $0.head(head) }
    }

    private func follow(_ next: OutboundDescription) {
        guard case .running(let task) = self.state.value.phase else { return }
        guard self.state.value.hop < Self.redirectLimit else { return self.end(.failure(.manyRedirects)) }
        self.state.value.hop += 1
        self.state.value.description = next
        task.cancel()
        self.exchange()
    }

    /// Takes the next bytes; the connection is read again when the answer's future is complete.
    func receive(_ bytes: ByteBuffer, hop: Int) -> EventLoopFuture<Void> {
        guard self.isCurrent(hop), bytes.readableBytes > 0 else { return self.loop.makeSucceededVoidFuture() }
        if self.state.value.description.isStream {
            self.state.value.lastRead = .now()
            var goesOn = true
            self.deliver { goesOn = $0.chunk(bytes) }
            if goesOn { return self.loop.makeSucceededVoidFuture() }
            let pause = self.loop.makePromise(of: Void.self)
            self.state.value.pause = pause
            return pause.futureResult
        }
        if self.state.value.body.readableBytes + bytes.readableBytes > self.state.value.description.bodyCapacity {
            self.end(.failure(.largeBody))
        } else {
            self.state.value.body.writeImmutableBuffer(bytes)
        }
        return self.loop.makeSucceededVoidFuture()
    }

    /// Ends a stream whose server says nothing. A pause is the plugin's silence and does not count.
    private func watchSilence() {
        let since = self.state.value.pause == nil ? self.state.value.lastRead : .now()
        self.state.value.timer = self.loop.scheduleTask(deadline: since + Self.idleTimeout) {
            let isSilent = self.state.value.pause == nil && self.state.value.lastRead + Self.idleTimeout <= .now()
            if isSilent { self.end(.failure(.slow)) } else { self.watchSilence() }
        }
    }

    private func end(_ result: Result<Void, PluginFailure>) {
        let task: HTTPClient.Task<Void>?
        switch self.state.value.phase {
        case .ended: return
        case .running(let running): task = running
        case .waiting: task = nil
        }
        self.state.value.phase = .ended
        self.state.value.timer?.cancel()
        task?.cancel()
        self.state.value.pause?.succeed()
        self.state.value.pause = nil
        let head = self.state.value.head
        self.measure(result, head)
        self.leave()
        let isStream = self.state.value.description.isStream
        let body = self.state.value.body
        self.state.value.body = ByteBuffer()
        self.deliver { callbacks in
            switch result {
            case .success: callbacks.complete(isStream ? nil : head, body: body)
            case .failure(let failure): callbacks.complete(failure)
            }
        }
        self.service.remove(self.id)
    }

    private func measure(_ result: Result<Void, PluginFailure>, _ head: HTTPResponseHead?) {
        if self.state.value.description.isStream == false || head == nil { self.metrics.recordDuration(since: self.start) }
        guard !self.isCancelled.load(ordering: .acquiring) else { return self.metrics.countCancelled() }
        switch result {
        case .success: self.metrics.count(status: head?.status.code ?? 0)
        case .failure(let failure): self.metrics.count(failure)
        }
    }

    private func deliver(_ call: (OutboundCallbacks) -> Void) {
        self.gate.withLock { _ in
            guard !self.isCancelled.load(ordering: .sequentiallyConsistent) else { return }
            call(self.callbacks)
        }
    }
}
