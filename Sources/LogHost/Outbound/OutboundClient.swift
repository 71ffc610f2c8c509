internal import AsyncHTTPClient
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
        // there can be at once, the bound of requests in each instance decides.
        let pool = HTTPClient.Configuration.ConnectionPool(
            idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: 4_096)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)), connectionPool: pool,
            decompression: .disabled)
        configuration.httpVersion = .http1Only
        // Otherwise a refused connection is tried again until the time for connecting is over.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
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
