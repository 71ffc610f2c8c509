internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1

/// One connection: NIO's HTTP/1.1 pipeline with the host's own watch on it, and a loop over its requests.
struct HostChannel: ServerChildChannel {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    private let connections: ClientConnections
    private let dispatcher: Dispatcher
    /// Then the connection is counted already, and its socket set up.
    private let isBehindTLS: Bool

    /// A request to read logs has no body worth the name.
    private static let maximumBodyBytes = 1 << 20

    init(connections: ClientConnections, dispatcher: Dispatcher, isBehindTLS: Bool = false) {
        self.connections = connections
        self.dispatcher = dispatcher
        self.isBehindTLS = isBehindTLS
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            Self.tune(channel)
            let peer = self.dispatcher.isTCP ? Peer() : Peer(unix: channel)
            return try self.configure(channel, peer: peer, logger: logger)
        }
    }

    /// Sets what every connection's socket has, whatever is spoken on it.
    static func tune(_ channel: any Channel) {
        // A peer that vanishes without a word is found by the kernel; unix sockets have no need of it.
        _ = channel.setOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
        // A request is short, and each connection keeps a buffer for the next.
        _ = channel.setOption(
            ChannelOptions.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 512, maximum: 16 << 10))
    }

    /// Adds what speaks HTTP/1.1 to a connection.
    func configure(_ channel: any Channel, peer: Peer, logger: Logger) throws -> Value {
        let limits = self.dispatcher.site.limits
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderFieldSize = limits.parserHeaderBytes
        decoderLimits.maxHeaderListSize = 2 * limits.parserHeaderBytes
        var encoder = HTTPResponseEncoder.Configuration()
        // `MessageFraming` knows what the request was.
        encoder.automaticallySetFramingHeaders = false
        let deadline = HeaderDeadline(limit: limits.headerRead)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(deadline)
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
            withEncoderConfiguration: encoder, withDecoderLimitConfiguration: decoderLimits)
        try pipeline.addHandler(MessageFraming())
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: self.isBehindTLS))
        try pipeline.addHandler(
            ConnectionObserver(
                connections: self.connections, audience: self.dispatcher.audience,
                capacity: self.isBehindTLS ? nil : self.dispatcher.connectionCapacity, deadline: deadline, peer: peer,
                noteRefusal: self.dispatcher.note))
        try pipeline.addHandler(ConnectionLife(idle: limits.idle, stall: limits.rangeStall))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    func handle(value: Value, logger: Logger) async {
        do {
            try await withTaskCancellationHandler {
                try await value.executeThenClose { inbound, outbound in
                    try await self.serve(inbound, outbound, value.channel)
                }
            } onCancel: {
                // TLS knows no half of a connection that only one side gives up.
                value.channel.close(mode: self.isBehindTLS ? .all : .input, promise: nil)
            }
        } catch let failure as PluginFailure {
            self.dispatcher.site.report(failure)
        } catch {
            // The connection is closed without a clean end, which is what the client is to see.
            logger.trace("connection ended", metadata: ["error": "\(error)"])
        }
    }

    private func serve(
        _ inbound: NIOAsyncChannelInboundStream<HTTPRequestPart>, _ outbound: Exchange.Outbound, _ channel: any Channel
    ) async throws {
        var parts = inbound.makeAsyncIterator()
        do {
            while let exchange = try await self.nextRequest(&parts, channel) {
                try await self.dispatcher.respond(exchange, with: outbound)
                if exchange.request.endsConnection || exchange.endsConnection { break }
            }
        } catch is HTTPParserError {
            self.dispatcher.note(refusal: 400, on: channel)
            let fields: HTTPFields = [.connection: "close", .contentLength: "0"]
            try await outbound.write(contentsOf: [.head(HTTPResponse(status: .badRequest, headerFields: fields)), .end(nil)])
        }
        outbound.finish()
        try await channel.closeFuture.get()
    }

    /// Waits for the next request; nil when there will be none. The body of the one before is stepped over; behind one that is too large the
    /// connection ends.
    // Never inlined: what it needs on the task's stack shall not lie there for as long as an answer lasts.
    @inline(never)
    private func nextRequest(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPRequestPart>.AsyncIterator, _ channel: any Channel
    ) async throws -> Exchange? {
        var bodyBytes = 0
        while bodyBytes <= Self.maximumBodyBytes, let part = try await parts.next(isolation: #isolation) {
            switch part {
            case .head(let head): return Exchange(request: head, channel: channel, site: self.dispatcher.site)
            case .body(let bytes): bodyBytes += bytes.readableBytes
            case .end: break
            }
        }
        return nil
    }
}

extension Limits {
    /// A little more than is allowed, so that the answer can be given by the host; the parser's own is the last resort.
    var parserHeaderBytes: Int { max(self.headerBytes, self.uriBytes) + (8 << 10) }
}

extension HTTPRequest {
    /// True when the client wants the connection closed, or to leave HTTP on it.
    fileprivate var endsConnection: Bool {
        if self.method == .connect || self.headerFields[.upgrade] != nil { return true }
        let options = self.headerFields[.connection]?.lowercased().split(whereSeparator: { ", \t".contains($0) }) ?? []
        return options.contains("close")
    }
}
