internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP2

/// One connection of HTTP/2: many streams, each with one request and its answer.
struct HTTP2Channel {
    private let connections: ClientConnections
    private let dispatcher: Dispatcher

    /// Streams that a client may have open at a time; the connections' own limit counts connections.
    private static let maximumStreams = 100

    init(connections: ClientConnections, dispatcher: Dispatcher) {
        self.connections = connections
        self.dispatcher = dispatcher
    }

    /// Adds what speaks HTTP/2 to a connection whose client has chosen it.
    func configure(_ channel: any Channel, peer: Peer, logger: Logger) throws -> IncomingStreams {
        let streams = IncomingStreams()
        let keeper = HTTP2Keeper(idle: self.dispatcher.site.limits.idle, eventLoop: channel.eventLoop, streams: streams)
        let connections = self.connections
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(FrameGate())
        // The streams come through `streams`, which loses none: the library's own sequence does when its task is cancelled.
        _ = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: keeper.streamDelegate, frameDelegate: keeper, configuration: self.configuration
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                try pipeline.addHandler(StreamObserver(connections: connections, connection: ClientConnection(peer: peer)))
                streams.add(try NIOAsyncChannel(wrappingChannelSynchronously: stream))
            }
        }
        try pipeline.addHandler(keeper)
        return streams
    }

    private var configuration: NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        let headerList = 2 * self.dispatcher.site.limits.parserHeaderBytes
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: Self.maximumStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: headerList),
        ]
        // As many frames of 16 KiB as the largest header needs; a header in crumbs ends the connection.
        configuration.connection.maximumSequentialContinuationFrames = headerList / (16 << 10) + 1
        // Pings and settings are answered, and the answers kept until the client takes them.
        configuration.connection.maximumBufferedControlFrames = 1000
        // Streams opened and taken back at once cost more than they weigh (CVE-2023-44487).
        configuration.stream.streamResetFrameRateLimit.maximumCount = 200
        configuration.stream.streamResetFrameRateLimit.windowLength = .seconds(30)
        // As a connection's own: an answer is written in pieces of up to 32 KiB without a look at the client.
        configuration.stream.outboundBufferSizeHighWatermark = 64 << 10
        configuration.stream.outboundBufferSizeLowWatermark = 32 << 10
        return configuration
    }

    func handle(_ streams: IncomingStreams, of channel: any Channel, logger: Logger) async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                while let stream = await streams.next() {
                    group.addTask { await self.handle(stream, logger) }
                }
            }
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private func handle(_ stream: IncomingStreams.Stream, _ logger: Logger) async {
        let channel = stream.channel
        do {
            try await withTaskCancellationHandler {
                try await stream.executeThenClose { inbound, outbound in
                    do {
                        try await self.answer(inbound, outbound, channel)
                    } catch {
                        // Not a clean end, which is what the client is to see.
                        let code: NIOHTTP2.HTTP2ErrorCode = error is PluginFailure ? .internalError : .cancel
                        channel.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: code), promise: nil)
                        throw error
                    }
                }
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch let failure as PluginFailure {
            self.dispatcher.site.report(failure)
        } catch {
            logger.trace("stream ended", metadata: ["error": "\(error)"])
        }
    }

    private func answer(
        _ inbound: NIOAsyncChannelInboundStream<HTTPRequestPart>, _ outbound: Exchange.Outbound, _ channel: any Channel
    ) async throws {
        guard let exchange = try await self.request(inbound, channel) else { return }
        try await self.dispatcher.respond(exchange, with: outbound)
        // The last bytes may still wait for the client's window; closing now would take them back.
        let watch = StallWatch(channel: channel, limit: TimeAmount(self.dispatcher.site.limits.rangeStall))
        watch.begin()
        defer { watch.end() }
        try await channel.closeFuture.get()
    }

    // Never inlined: what it needs on the task's stack shall not lie there for as long as an answer lasts.
    @inline(never)
    private func request(
        _ inbound: NIOAsyncChannelInboundStream<HTTPRequestPart>, _ channel: any Channel
    ) async throws -> Exchange? {
        var parts = inbound.makeAsyncIterator()
        guard case .head(let head) = try await parts.next(isolation: #isolation) else { return nil }
        return Exchange(request: head, channel: channel, site: self.dispatcher.site)
    }
}
