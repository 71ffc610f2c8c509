internal import AsyncHTTPClient
internal import Metrics
internal import NIOCore
internal import Synchronization

/// All requests that are being forwarded to other servers: bounds their number, and counts them for each plugin.
final class Forwarding: Sendable {
    private struct Traffic {
        var inFlight = 0
        let metrics: OutboundMetrics
    }

    private struct State {
        var inFlight = 0
        var plugins: [String: Traffic] = [:]
    }

    /// Each has a connection to another server besides its client's.
    static let capacity = 4_096

    private let client: OutboundClient
    private let factory: any MetricsFactory
    private let state = Mutex(State())

    init(client: OutboundClient, factory: any MetricsFactory = MetricsSystem.factory) {
        self.client = client
        self.factory = factory
    }

    var certificates: TLSFiles { self.client.certificates }

    /// Sends a request; what comes of it wakes the signal. Throws 503 when there are too many, or the host stops.
    func begin(
        _ forwarded: ForwardedRequest, for plugin: String, waking signal: FollowSignal, on loop: any EventLoop
    ) throws -> ForwardedExchange {
        let request = try HTTPClient.Request(
            url: forwarded.url, method: forwarded.method, headers: forwarded.headers, body: nil, tlsConfiguration: forwarded.tls)
        guard let client = self.client.client() else { throw PluginFailure.stopping }
        let metrics = try self.enter(plugin)
        let exchange = ForwardedExchange(signal: signal, loop: loop, metrics: metrics) { self.leave(plugin) }
        exchange.begin(request, client)
        return exchange
    }

    private func enter(_ plugin: String) throws(Problem) -> OutboundMetrics {
        let metrics = self.state.withLock { state -> OutboundMetrics? in
            guard state.inFlight < Self.capacity else { return nil }
            state.inFlight += 1
            var traffic =
                state.plugins[plugin] ?? Traffic(metrics: OutboundMetrics("forwarded", plugin: plugin, factory: self.factory))
            traffic.inFlight += 1
            traffic.metrics.measure(inFlight: traffic.inFlight)
            state.plugins[plugin] = traffic
            return traffic.metrics
        }
        guard let metrics else { throw Problem(503, "Too many requests are being forwarded.", retryAfter: 1) }
        return metrics
    }

    private func leave(_ plugin: String) {
        self.state.withLock { state in
            state.inFlight -= 1
            guard var traffic = state.plugins[plugin] else { return }
            traffic.inFlight -= 1
            traffic.metrics.measure(inFlight: traffic.inFlight)
            state.plugins[plugin] = traffic
        }
    }
}
