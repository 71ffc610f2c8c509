internal import Logging
internal import NIOCore
internal import Synchronization

/// Where a matched route leads.
struct RouteTarget: Sendable {
    var route: RouteDescription
    var plugin: PluginInstance
    var source: SourceHandle
}

/// Everything that answering a request needs: routes, formats, workers, limits.
final class Site: Sendable {
    let routes: RouteTree<RouteTarget>
    let encoders: [EncoderHandle]
    let offers: [Negotiation.Offer]
    let workers: WorkerPool
    let plugins: [PluginInstance]
    let readiness: PluginReadiness
    let metrics: MetricStore
    let requests: RequestMetrics
    /// Nil unless it is wanted.
    let accessLog: AccessLog?
    /// The description of all routes.
    let openAPI: String
    let wakes: WakeRegistry
    let admission: Admission
    let connections: ClientConnections
    let follows: Follows
    let forwarding: Forwarding
    /// Nil without authorizers: then everybody who can connect may read.
    let authorization: Authorization?
    let shutdown: Shutdown
    /// As at the start; of its limits `limits` are in force.
    let configuration: Configuration
    let liveLimits: LiveLimits
    /// The header field with which clients are let in, as a word of the shell, where the host knows one: for its greeting.
    let clientHeader: String?
    let logger: Logger

    init(
        plugins: [PluginInstance], metrics: MetricStore, routes: RouteTree<RouteTarget>, encoders: [EncoderHandle],
        authorizers: [AuthorizerHandle], workers: WorkerPool,
        wakes: WakeRegistry, outbound: OutboundClient, shutdown: Shutdown, configuration: Configuration, clientHeader: String?,
        logger: Logger
    ) {
        self.plugins = plugins
        self.metrics = metrics
        self.requests = RequestMetrics()
        self.accessLog = configuration.accessLog ? AccessLog() : nil
        self.readiness = PluginReadiness(plugins, workers: workers)
        self.openAPI = OpenAPI(plugins: plugins, encoders: encoders, isProtected: !authorizers.isEmpty).text
        self.routes = routes
        self.encoders = encoders
        self.offers = encoders.map { Negotiation.Offer(name: $0.name, mediaTypes: $0.mediaTypes) }
        self.workers = workers
        self.wakes = wakes
        let limits = LiveLimits(configuration.limits)
        self.liveLimits = limits
        self.admission = Admission(limits: limits)
        self.connections = ClientConnections()
        self.forwarding = Forwarding(client: outbound)
        self.follows = Follows(configuration, wakes: wakes) { Self.report($0, logger) }
        self.authorization =
            authorizers.isEmpty
            ? nil : Authorization(AuthorizerChain(authorizers, limits: limits), audit: AuditLog())
        self.shutdown = shutdown
        self.configuration = configuration
        self.clientHeader = clientHeader
        self.logger = logger
    }

    /// What clients may take now.
    var limits: Limits { self.liveLimits.current }

    /// Logs what a plugin has failed with: the operator's when the source is at fault, else the client's own.
    func report(_ failure: PluginFailure, route: String = "") { Self.report(failure, self.logger, route: route) }

    private static func report(_ failure: PluginFailure, _ logger: Logger, route: String = "") {
        let status = failure.problem.status
        var metadata: Logger.Metadata = ["status": "\(status)", "reason": "\(failure.message)"]
        if !route.isEmpty { metadata["route"] = "\(route)" }
        logger.log(level: status >= 500 ? .error : .debug, "a request failed", metadata: metadata)
    }

    /// Without authorizers any web page could otherwise read the logs through its visitor's browser.
    var isUnprotected: Bool { self.authorization == nil }
}

/// Tells running follows that the host is stopping.
final class Shutdown: Sendable {
    private struct State {
        var hasBegun = false
        var nextID = 0
        var listeners: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    var hasBegun: Bool { self.state.withLock { $0.hasBegun } }

    /// Calls back when the stop begins, at once when it has begun. Returns what `remove` takes.
    func add(_ listener: @escaping @Sendable () -> Void) -> Int {
        let (id, hasBegun) = self.state.withLock { state in
            state.nextID += 1
            if !state.hasBegun { state.listeners[state.nextID] = listener }
            return (state.nextID, state.hasBegun)
        }
        if hasBegun { listener() }
        return id
    }

    func remove(_ id: Int) {
        self.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
    }

    func begin() {
        let listeners = self.state.withLock { state in
            state.hasBegun = true
            defer { state.listeners = [:] }
            return state.listeners
        }
        for listener in listeners.values { listener() }
    }
}
