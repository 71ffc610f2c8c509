internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// One connection of a listener with TLS: the handshake, and then HTTP/1.1 or HTTP/2, as the client chose in it.
struct TLSChannel: ServerChildChannel {
    enum Negotiated: Sendable {
        case http1(HostChannel.Value)
        case http2(IncomingStreams)
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        fileprivate let negotiated: EventLoopFuture<Negotiated>
    }

    private let identity: TLSIdentity
    private let http1: HostChannel
    private let http2: HTTP2Channel
    private let connections: ClientConnections
    private let dispatcher: Dispatcher

    init(identity: TLSIdentity, connections: ClientConnections, dispatcher: Dispatcher) {
        self.identity = identity
        self.http1 = HostChannel(connections: connections, dispatcher: dispatcher, isBehindTLS: true)
        self.http2 = HTTP2Channel(connections: connections, dispatcher: dispatcher)
        self.connections = connections
        self.dispatcher = dispatcher
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // A handshake holds memory too: counted from its first byte.
            let limits = self.dispatcher.site.limits
            let isKept = self.connections.count(
                channel, self.dispatcher.audience, capacity: self.dispatcher.connectionCapacity)
            HostChannel.tune(channel)
            let deadline = HandshakeDeadline(limit: isKept ? limits.headerRead : .zero)
            var configuration = NIOSSLHandler.Configuration()
            // A large answer must not leave its buffer behind.
            configuration.maximumPreservedOutboundBufferCapacity = 32 << 10
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(deadline)
            try pipeline.addHandler(NIOSSLServerHandler(context: self.identity.context, configuration: configuration))
            let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result, channel in
                channel.eventLoop.makeCompletedFuture {
                    channel.pipeline.syncOperations.removeHandler(deadline, promise: nil)
                    return try self.begin(result, channel, logger)
                }
            }
            try pipeline.addHandler(negotiation)
            return Value(channel: channel, negotiated: negotiation.protocolNegotiationResult)
        }
    }

    /// Sets the connection up for the protocol that was chosen; a client that named none gets HTTP/1.1.
    private func begin(_ result: ALPNResult, _ channel: any Channel, _ logger: Logger) throws -> Negotiated {
        do {
            var peer = Peer()
            if let certificate = try channel.pipeline.syncOperations.nioSSL_peerCertificate() {
                peer = try Peer(certificate: certificate)
            }
            if case .negotiated("h2") = result {
                return .http2(try self.http2.configure(channel, peer: peer, logger: logger))
            }
            return .http1(try self.http1.configure(channel, peer: peer, logger: logger))
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    func handle(value: Value, logger: Logger) async {
        let negotiated = await withTaskCancellationHandler {
            try? await value.negotiated.get()
        } onCancel: {
            value.channel.close(promise: nil)
        }
        switch negotiated {
        case .http1(let connection): await self.http1.handle(value: connection, logger: logger)
        case .http2(let streams): await self.http2.handle(streams, of: value.channel, logger: logger)
        // The handshake failed, which TLS has told the client.
        case nil: break
        }
    }
}
