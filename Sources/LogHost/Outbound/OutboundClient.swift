internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The connections to other servers, shared by all plugins. None are made, nor any thread started, before a plugin asks.
package final class OutboundClient: Sendable {
    private enum State {
        /// -> running | shutDown
        case idle
        /// -> shutDown
        case running(HTTPClient)
        case shutDown
    }

    private let state = Mutex(State.idle)
    let certificates = TLSFiles()

    package init() {}

    deinit {
        // Without a program that ends it, as when a plugin is only inspected. The client refuses to go while it runs.
        if case .running(let client) = self.state.withLock({ $0 }) { client.shutdown { _ in } }
    }

    /// The client; nil once it is shut down.
    func client() -> HTTPClient? {
        self.state.withLock { state in
            switch state {
            case .running(let client): return client
            case .shutDown: return nil
            case .idle:
                let client = Self.makeClient()
                state = .running(client)
                return client
            }
        }
    }

    private static func makeClient() -> HTTPClient {
        // A stream keeps its connection for hours: a small pool would let one plugin's streams block another's requests. What
        // there can be at once, the bounds of requests in each instance and of forwarded ones decide.
        let pool = HTTPClient.Configuration.ConnectionPool(
            idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: Forwarding.capacity + 4_096)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)), connectionPool: pool,
            decompression: .disabled)
        configuration.httpVersion = .http1Only
        // Nobody is told of spans.
        configuration.tracing.tracer = nil
        // Otherwise a refused connection is tried again until the time for connecting is over.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = { channel in
            Self.watch(channel)
            // Large answers come in few pieces.
            _ = channel.setOption(
                ChannelOptions.recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 16_384, initial: 65_536, maximum: 65_536))
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        return HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }

    /// Lets the kernel find out within two minutes that a server has vanished without a word: a stream may rightly be silent for hours.
    private static func watch(_ channel: any Channel) {
        _ = channel.setOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
        for (option, value) in [(TCP_KEEPIDLE, 60), (TCP_KEEPINTVL, 15), (TCP_KEEPCNT, 4)] {
            _ = channel.setOption(ChannelOptions.tcpOption(.init(rawValue: option)), value: value)
        }
    }

    /// Closes all connections. Called once, when no plugin has a request open.
    package func shutdown() async {
        let client = self.state.withLock { state -> HTTPClient? in
            defer { state = .shutDown }
            if case .running(let client) = state { return client }
            return nil
        }
        try? await client?.shutdown()
    }
}
