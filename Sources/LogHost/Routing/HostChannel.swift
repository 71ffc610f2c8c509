internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes

/// Hummingbird's HTTP/1.1 pipeline, with the host's own watch on each connection and its own loop over the requests.
struct HostChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    private let http: HTTP1Channel
    private let connections: ClientConnections
    private let headerRead: Duration
    private let dispatcher: Dispatcher

    /// A request to read logs has no body worth the name.
    private static let maximumBodyBytes = 1 << 20

    init(limits: Limits, connections: ClientConnections, dispatcher: Dispatcher) {
        // A little more than is allowed, so that the answer can be given by the host; the parser's own is the last resort.
        let ceiling = max(limits.headerBytes, limits.uriBytes) + (8 << 10)
        self.http = HTTP1Channel(
            // Never called: `handle` does its work.
            responder: { _, _, _ in },
            configuration: .init(
                idleTimeout: TimeAmount(limits.idle),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: ceiling, maxHeaderListSize: 2 * ceiling, maxHeaderFieldCount: 256)))
        self.connections = connections
        self.headerRead = limits.headerRead
        self.dispatcher = dispatcher
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        self.http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let deadline = HeaderDeadline(limit: self.headerRead)
            try pipeline.addHandler(deadline, position: .first)
            let state = try pipeline.handler(type: HTTPConnectionStateHandler.self)
            try pipeline.addHandler(
                ConnectionObserver(connections: self.connections, deadline: deadline), position: .before(state))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            try await withTaskCancellationHandler {
                try await value.executeThenClose { inbound, outbound in
                    try await self.serve(inbound, outbound, value.channel)
                }
            } onCancel: {
                value.channel.close(mode: .input, promise: nil)
            }
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
            var part = try await parts.next()
            while case .head(let head) = part {
                try await self.dispatcher.respond(to: head, with: outbound, on: channel)
                if head.headerFields[.connection]?.lowercased() == "close" { break }
                // The body is stepped over; behind one that is too large the connection ends.
                var bodyBytes = 0
                repeat {
                    part = try await parts.next()
                    if case .body(let bytes) = part { bodyBytes += bytes.readableBytes }
                } while part?.isHead == false && bodyBytes <= Self.maximumBodyBytes
            }
        } catch is HTTPParserError {
            let fields: HTTPFields = [.connection: "close", .contentLength: "0"]
            try await outbound.write(contentsOf: [.head(HTTPResponse(status: .badRequest, headerFields: fields)), .end(nil)])
        }
        outbound.finish()
        try await channel.closeFuture.get()
    }
}

extension HTTPRequestPart {
    fileprivate var isHead: Bool {
        if case .head = self { true } else { false }
    }
}
