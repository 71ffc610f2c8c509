internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Closes a connection on which nothing is asked for too long, and, when the host stops, each as soon as it has its last answer.
final class ConnectionLife: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let idle: TimeAmount
    /// How long a client may take nothing of an answer's last bytes.
    private let stall: TimeAmount
    private var timer: Scheduled<Void>?
    /// Requests whose answers have not ended.
    private var requests = 0
    /// Answers whose last bytes are not all the kernel's.
    private var endings = 0
    private var watch: StallWatch?
    private var isStopping = false

    init(idle: Duration, stall: Duration) {
        self.idle = TimeAmount(idle)
        self.stall = TimeAmount(stall)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { self.beginIdling(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.watch?.end()
    }

    func channelActive(context: ChannelHandlerContext) {
        self.beginIdling(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = Self.unwrapInboundIn(data) {
            self.requests += 1
            self.timer?.cancel()
            self.timer = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = Self.unwrapOutboundIn(data) else {
            context.write(data, promise: promise)
            return
        }
        let taken = promise ?? context.eventLoop.makePromise()
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let life = NIOLoopBound(self, eventLoop: context.eventLoop)
        // An answer has not ended before all of it is the kernel's: closing throws away what waits for room.
        self.endings += 1
        taken.futureResult.whenComplete { _ in life.value.answerEnded(context.value) }
        context.value.write(data, promise: taken)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        // Whoever wrote the answer is done with it, and watches it no more.
        guard self.endings > 0, self.watch == nil, context.channel.isActive else { return }
        self.watch = StallWatch(channel: context.channel, limit: self.stall)
        self.watch?.begin()
    }

    private func answerEnded(_ context: ChannelHandlerContext) {
        if self.requests > 0 { self.requests -= 1 }
        self.endings -= 1
        if self.endings == 0 { self.watch.take()?.end() }
        guard self.requests == 0, context.channel.isActive else { return }
        if self.isStopping { context.close(promise: nil) } else { self.beginIdling(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        self.isStopping = true
        if self.requests == 0 { context.close(promise: nil) }
    }

    private func beginIdling(_ context: ChannelHandlerContext) {
        let channel = context.channel
        self.timer?.cancel()
        self.timer = context.eventLoop.scheduleTask(in: self.idle) { channel.close(promise: nil) }
    }
}
