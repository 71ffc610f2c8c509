internal import NIOCore
internal import NIOHTTP2

/// Decides how long a connection of HTTP/2 is kept: not without streams for longer than the limit, not after an error of the protocol,
/// and no longer than its last stream when the host stops.
final class HTTP2Keeper: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let idle: TimeAmount
    private let eventLoop: any EventLoop
    private let streams: IncomingStreams
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var openStreams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var isStopping = false

    init(idle: Duration, eventLoop: any EventLoop, streams: IncomingStreams) {
        self.idle = TimeAmount(idle)
        self.eventLoop = eventLoop
        self.streams = streams
    }

    /// Tells this handler of streams.
    var streamDelegate: any NIOHTTP2StreamDelegate { Delegate(keeper: NIOLoopBound(self, eventLoop: self.eventLoop)) }

    private struct Delegate: NIOHTTP2StreamDelegate {
        let keeper: NIOLoopBound<HTTP2Keeper>

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) { self.keeper.value.streamOpened(id) }

        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) { self.keeper.value.streamClosed() }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.startTimer()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.end() }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            self.isStopping = true
            if self.openStreams == 0 {
                self.sayGoodbye()
            } else {
                // Streams that the client has opened before it hears this are answered too.
                self.sendGoAway(.maxID)
            }
        } else if case .some(.inputClosed) = event as? ChannelEvent {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Errors of one stream end that stream; those of the connection are told to the client, and seen in `wroteFrame`.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    private func streamOpened(_ id: HTTP2StreamID) {
        self.timer?.cancel()
        self.openStreams += 1
        self.lastStream = max(self.lastStream, id)
    }

    private func streamClosed() {
        self.openStreams -= 1
        guard self.openStreams == 0 else { return }
        if self.isStopping { self.closeSoon() } else { self.startTimer() }
    }

    private func startTimer() {
        let keeper = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.timer = self.eventLoop.scheduleTask(in: self.idle) { keeper.value.sayGoodbye() }
    }

    private func end() {
        self.timer?.cancel()
        self.context = nil
        self.streams.end()
    }

    /// A stream that crosses this on its way is not answered, which the client learns from the number of the last one that was.
    private func sayGoodbye() {
        self.sendGoAway(self.lastStream)
        self.context?.close(promise: nil)
    }

    private func sendGoAway(_ last: HTTP2StreamID) {
        let frame = HTTP2Frame(streamID: .rootStream, payload: .goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil))
        self.context?.writeAndFlush(Self.wrapOutboundOut(frame), promise: nil)
    }

    /// Not at once: the frame that has ended the last stream is not flushed yet.
    private func closeSoon() {
        let keeper = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.execute { keeper.value.sayGoodbye() }
    }
}

extension HTTP2Keeper: NIOHTTP2FrameDelegate {
    /// After an error of the connection nothing that the client says is understood any more.
    func wroteFrame(_ frame: HTTP2Frame) {
        guard case .goAway(_, let code, _) = frame.payload, code != .noError else { return }
        let keeper = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.execute { keeper.value.context?.close(promise: nil) }
    }
}
