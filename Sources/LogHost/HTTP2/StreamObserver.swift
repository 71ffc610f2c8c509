internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP2
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP2

/// Watches a stream of HTTP/2: registers it, notes when the client takes it back, counts what the client has taken, and sees to what an
/// answer must not have in HTTP/2.
final class StreamObserver: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Bytes of answers that have gone out on the connection.
    private(set) var taken = 0

    private let connections: ClientConnections
    private let connection: ClientConnection

    /// What is counted at once: the size of a frame.
    private static let pieceBytes = 16 << 10
    /// Fields about the connection, which HTTP/2 sees to itself (RFC 9113, 8.2.2).
    private static let connectionFields = ["Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"]
        .compactMap { HTTPField.Name($0) }

    init(connections: ClientConnections, connection: ClientConnection) {
        self.connections = connections
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.connections.add(self.connection, for: context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.leave(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.leave(context)
        context.fireChannelInactive()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head(var head):
            for name in Self.connectionFields { head.headerFields[name] = nil }
            context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
        case .body(var bytes):
            while let piece = bytes.readSlice(length: min(bytes.readableBytes, Self.pieceBytes)) {
                let isLast = bytes.readableBytes == 0
                let written = isLast ? promise ?? context.eventLoop.makePromise() : context.eventLoop.makePromise()
                let count = piece.readableBytes
                written.futureResult.assumeIsolated().whenSuccess { self.taken += count }
                context.write(Self.wrapOutboundOut(.body(piece)), promise: written)
                if isLast { break }
            }
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            let channel = context.channel
            // A client that has more to say need not say it: its answer is complete.
            written.futureResult.whenSuccess {
                channel.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: .noError), promise: nil)
            }
            context.write(data, promise: written)
        }
    }

    private func leave(_ context: ChannelHandlerContext) {
        self.connections.remove(context.channel)
        self.connection.clientIsGone()
    }
}
