internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import Synchronization

/// What the host knows of its open connections: how many there are, and when a client goes.
final class ClientConnections: Sendable {
    private struct State {
        /// Where requests come from: connections of HTTP/1.1 and streams of HTTP/2.
        var connections: [ObjectIdentifier: ClientConnection] = [:]
        /// Connections as the kernel counts them.
        var counts: [Audience: Int] = [:]
        /// Those beyond the limit, which are told so and closed: the others go on.
        var surplus: Set<ObjectIdentifier> = []
    }

    private let state = Mutex(State())

    /// Connections beyond the limit that are kept open long enough to be told so.
    private static let grace = 64

    var count: Int { self.state.withLock { $0.counts.values.reduce(0, +) } }

    /// True for a connection, or a stream on one, that was one too many when it was opened.
    func isSurplus(_ channel: any Channel) -> Bool {
        self.state.withLock { state in
            guard !state.surplus.isEmpty else { return false }
            return state.surplus.contains(ObjectIdentifier(channel))
                || channel.parent.map { state.surplus.contains(ObjectIdentifier($0)) } ?? false
        }
    }

    /// The connection of a channel that is still open.
    func connection(of channel: any Channel) -> ClientConnection? {
        self.state.withLock { $0.connections[ObjectIdentifier(channel)] }
    }

    /// Throws when nobody waits for an answer on this channel any more.
    func checkClient(of channel: any Channel) throws {
        try Task.checkCancellation()
        if self.connection(of: channel)?.isGone ?? true { throw CancellationError() }
    }

    /// Counts a connection until it is closed, for those whose requests are not known yet. Returns whether it is to be kept.
    func count(_ channel: any Channel, _ audience: Audience, capacity: Int) -> Bool {
        channel.closeFuture.whenComplete { _ in self.exit(channel, audience) }
        return self.enter(channel, audience, capacity)
    }

    func add(_ connection: ClientConnection, for channel: any Channel) {
        self.state.withLock { $0.connections[ObjectIdentifier(channel)] = connection }
    }

    func remove(_ channel: any Channel) {
        self.state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// Counts one more. False when there are so many that it cannot even be told so.
    fileprivate func enter(_ channel: any Channel, _ audience: Audience, _ capacity: Int) -> Bool {
        self.state.withLock { state in
            let count = state.counts[audience, default: 0] + 1
            state.counts[audience] = count
            if count > capacity { state.surplus.insert(ObjectIdentifier(channel)) }
            return count <= capacity + Self.grace
        }
    }

    fileprivate func exit(_ channel: any Channel, _ audience: Audience) {
        self.state.withLock { state in
            state.counts[audience, default: 0] -= 1
            state.surplus.remove(ObjectIdentifier(channel))
        }
    }
}

/// One client's connection, or stream of HTTP/2: tells a running answer when the client has gone.
package final class ClientConnection: Sendable {
    /// Without the address: behind a proxy that is the request's to say.
    let peer: Peer

    init(peer: Peer) {
        self.peer = peer
    }

    /// Who wants to know: both may at the same time, each once.
    enum Listener {
        /// The answer as a whole.
        case answer
        /// A call into a plugin that the answer waits for.
        case call
    }

    private struct State {
        var isGone = false
        var answer: (@Sendable () -> Void)?
        var call: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    var isGone: Bool { self.state.withLock { $0.isGone } }

    /// Calls back once when the client goes, at once when it has gone; nil removes the call back.
    func onGone(of listener: Listener = .answer, _ callBack: (@Sendable () -> Void)?) {
        let isGone = self.state.withLock { state in
            let kept = state.isGone ? nil : callBack
            switch listener {
            case .answer: state.answer = kept
            case .call: state.call = kept
            }
            return state.isGone
        }
        if isGone { callBack?() }
    }

    func clientIsGone() {
        let (answer, call) = self.state.withLock { state in
            state.isGone = true
            return (state.answer.take(), state.call.take())
        }
        call?()
        answer?()
    }
}

/// Watches a connection after HTTP decoding: registers it, notes when the client closes its side, ends the header's deadline, and
/// answers a header that is too large.
final class ConnectionObserver: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: ClientConnections
    private let audience: Audience
    /// Nil when the connection is counted by others, or not any more.
    private var capacity: Int?
    private let deadline: HeaderDeadline
    private let connection: ClientConnection
    private let noteRefusal: (Int, any Channel) -> Void

    init(
        connections: ClientConnections, audience: Audience, capacity: Int?, deadline: HeaderDeadline, peer: Peer,
        noteRefusal: @escaping (Int, any Channel) -> Void
    ) {
        self.connections = connections
        self.audience = audience
        self.capacity = capacity
        self.deadline = deadline
        self.connection = ClientConnection(peer: peer)
        self.noteRefusal = noteRefusal
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.connections.add(self.connection, for: context.channel)
        if let capacity, !self.connections.enter(context.channel, self.audience, capacity) { context.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = Self.unwrapOutboundIn(data) { self.deadline.answerEnded() }
        context.write(data, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.leave(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.leave(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = Self.unwrapInboundIn(data) { self.deadline.headArrived() }
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { self.connection.clientIsGone() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .some(.headerOverflow) = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        // In the middle of another answer there is no place for one.
        guard !self.deadline.isAnswering else {
            context.close(promise: nil)
            return
        }
        self.noteRefusal(431, context.channel)
        let fields: HTTPFields = [.connection: "close", .contentLength: "0"]
        let head = HTTPResponse(status: .init(code: 431, reasonPhrase: "Request Header Fields Too Large"), headerFields: fields)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }

    private func leave(_ context: ChannelHandlerContext) {
        self.connections.remove(context.channel)
        if self.capacity.take() != nil { self.connections.exit(context.channel, self.audience) }
        self.connection.clientIsGone()
    }
}

/// Ends a connection whose request header does not arrive in time, however slowly its bytes trickle in. Stands before HTTP decoding.
final class HeaderDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limit: TimeAmount
    private var timer: Scheduled<Void>?
    /// Requests whose answers have not ended: what arrives meanwhile is no header that anybody waits for.
    private var requests = 0

    init(limit: Duration) {
        self.limit = TimeAmount(limit)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.timer == nil, self.requests == 0 {
            let channel = context.channel
            self.timer = context.eventLoop.scheduleTask(in: self.limit) { channel.close(promise: nil) }
        }
        context.fireChannelRead(data)
    }

    fileprivate var isAnswering: Bool { self.requests > 0 }

    /// The header is complete.
    fileprivate func headArrived() {
        self.timer?.cancel()
        self.timer = nil
        self.requests += 1
    }

    /// An answer has ended; behind the last one the next bytes begin a header.
    fileprivate func answerEnded() {
        if self.requests > 0 { self.requests -= 1 }
    }
}
