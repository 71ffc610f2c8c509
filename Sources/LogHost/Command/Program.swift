internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import Metrics
internal import NIOCore
internal import NIOPosix
internal import PluginABI
internal import ServiceLifecycle
internal import Synchronization

/// The running host: plugins loaded, routes built, listeners bound; and all of that taken down in reverse.
struct Program {
    private let configuration: Configuration
    private let logger: Logger
    private let plugins: [PluginInstance]
    private let watches: DescriptorWatch
    private let outbound: OutboundClient
    private let site: Site
    private let launch: Launch

    /// Runs a host in this process until it is told to stop; `whenMade` is called before it begins.
    static func serve(_ configuration: Configuration, _ launch: Launch, whenMade: () -> Void = {}) async throws {
        // A unix socket is nobody else's until it has the mode that was configured.
        umask(0o177)
        LoggingSystem.bootstrap { HostLogHandler(label: $0) }
        let metrics = MetricStore()
        MetricsSystem.bootstrap(metrics.factory())
        defer { LogOutput.standard.flush(within: .seconds(1)) }
        LogThreshold.shared.level = configuration.logLevel
        let program = try Program(
            configuration: configuration, metrics: metrics, launch: launch, logger: Logger(label: "loghost"))
        whenMade()
        try await program.run()
    }

    /// Loads and creates everything; nothing runs yet. Throws one line for whatever is wrong.
    init(configuration: Configuration, metrics: MetricStore, launch: Launch, logger: Logger) throws {
        self.configuration = configuration
        self.launch = launch
        self.logger = logger
        Self.raiseDescriptorLimit(for: configuration.limits.connections, logger)
        self.watches = DescriptorWatch()
        self.outbound = OutboundClient()
        let wakes = WakeRegistry()
        var plugins: [PluginInstance] = []
        for plugin in configuration.plugins {
            plugins.append(
                try Self.create(plugin, configuration, metrics, launch.loadsByPath, logger, wakes, self.watches, self.outbound))
        }
        self.plugins = plugins
        self.site = Site(
            plugins: plugins, metrics: metrics, routes: try Self.routes(of: plugins), encoders: try Self.encoders(of: plugins),
            authorizers: try Self.authorizers(of: plugins, named: configuration.authorizers),
            workers: WorkerPool(threads: configuration.limits.workerThreads),
            wakes: wakes, outbound: self.outbound, shutdown: Shutdown(), configuration: configuration,
            clientHeader: launch.clientHeader, logger: logger)
    }

    private static func create(
        _ plugin: PluginConfiguration, _ configuration: Configuration, _ metrics: MetricStore, _ byPath: Bool, _ logger: Logger,
        _ wakes: WakeRegistry, _ watches: DescriptorWatch, _ outbound: OutboundClient
    ) throws -> PluginInstance {
        let library: LoadedLibrary
        do throws(PluginRefusal) {
            library = try LoadedLibrary.load(
                library: plugin.library, directories: configuration.pluginPath, sha256: plugin.sha256, byPath: byPath)
        } catch {
            throw ConfigurationFailure(error.description)
        }
        let services = HostServices(
            name: plugin.name, authorizes: configuration.authorizers.contains(plugin.name), logger: logger, wakes: wakes,
            watches: watches, outbound: outbound, pluginFactory: metrics.factory(owner: plugin.name))
        if plugin.getsCredential, library.flags & UInt32(LOGHOST_PLUGIN_USES_CREDENTIAL) == 0 {
            throw ConfigurationFailure(
                "plugin \(plugin.name) (line \(plugin.line)): credential: this plugin does not use credentials")
        }
        do throws(PluginFailure) {
            return try PluginInstance(
                name: plugin.name, configuration: plugin.config, getsCredential: plugin.getsCredential, library: library,
                services: services)
        } catch {
            let place = plugin.line > 0 ? " (line \(plugin.line))" : ""
            throw ConfigurationFailure(
                "plugin \(plugin.name)\(place): config.\(error.explanation)")
        }
    }

    /// Allows as many descriptors as the system lets this process have, and says when that is too few.
    private static func raiseDescriptorLimit(for connections: Int, _ logger: Logger) {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_max < UInt(connections) + 256 {
            logger.warning("fewer descriptors than limits.connections needs", metadata: ["descriptors": "\(limit.rlim_max)"])
        }
    }

    private static func routes(of plugins: [PluginInstance]) throws -> RouteTree<RouteTarget> {
        var routes = RouteTree<RouteTarget>()
        for plugin in plugins {
            guard let source = plugin.source else { continue }
            for route in plugin.routes {
                guard route.method == "GET" else {
                    throw ConfigurationFailure(
                        "plugin \(plugin.name): route \(route.path): method: expected GET, found \(route.method.debugDescription)"
                    )
                }
                if HostRoute.allCases.contains(where: { $0.template == route.path }) {
                    throw ConfigurationFailure("plugin \(plugin.name): route \(route.path): the host itself has \(route.path)")
                }
                do {
                    try routes.add(
                        method: route.method, template: route.path, owner: plugin.name,
                        target: RouteTarget(route: route, plugin: plugin, source: source))
                } catch {
                    throw ConfigurationFailure(error.description)
                }
            }
        }
        return routes
    }

    private static func authorizers(of plugins: [PluginInstance], named names: [String]) throws -> [AuthorizerHandle] {
        try names.map { name in
            guard let authorizer = plugins.first(where: { $0.name == name })?.authorizer else {
                throw ConfigurationFailure("authorizers: \(name): this plugin is no authorizer")
            }
            return authorizer
        }
    }

    private static func encoders(of plugins: [PluginInstance]) throws -> [EncoderHandle] {
        var encoders: [EncoderHandle] = []
        for plugin in plugins {
            for encoder in plugin.encoders {
                guard !encoders.contains(where: { $0.name == encoder.name }) else {
                    throw ConfigurationFailure("plugin \(plugin.name): format \(encoder.name): another plugin already has it")
                }
                encoders.append(encoder)
            }
        }
        return encoders
    }

    /// Serves until a signal says stop.
    func run() async throws {
        for (index, plugin) in self.plugins.enumerated() {
            do throws(PluginFailure) {
                try plugin.start()
            } catch {
                self.stop(self.plugins[..<index])
                await self.outbound.shutdown()
                throw ConfigurationFailure(
                    "plugin \(plugin.name): \(error.explanation)")
            }
        }
        do {
            try await self.serve()
        } catch {
            await self.end()
            throw error
        }
        await self.end()
    }

    private func serve() async throws {
        let bindings = Audience.allCases.flatMap { audience in
            audience.addresses(of: self.configuration).flatMap { address -> [(ListenAddress, Audience, PassedSocket?)] in
                guard case .passed(let name, _) = address else { return [(address, audience, nil)] }
                return self.launch.sockets[name].map { (address, audience, $0) }
            }
        }
        let manager = self.launch.manager
        let readiness = Readiness(of: bindings.count) { manager.ready() }
        let listeners = try bindings.map { address, audience, socket in
            try Listener(address: address, audience: audience, socket: socket, site: self.site, logger: self.logger) {
                readiness.count()
            }
        }
        // Begun first, ended last: the signs of life, and what the listeners' follows take from.
        var services: [any Service] = []
        if let interval = manager.watchdog {
            let pools = [self.site.workers, self.site.follows.tails.workers]
            services.append(Watchdog(manager: manager, interval: interval, pools: pools))
        }
        services.append(self.site.follows)
        if let authorization = self.site.authorization { services.append(authorization.rechecks) }
        services.append(Listeners(listeners: listeners))
        var configuration = ServiceGroupConfiguration(services: services, logger: self.logger)
        configuration.maximumGracefulShutdownDuration = self.configuration.streams.shutdown
        let signals = Signals(
            shutdown: self.site.shutdown, patience: self.configuration.streams.shutdown + .seconds(5), manager: manager,
            reload: self.launch.readAgain.map { Reload(read: $0, listeners: listeners, site: self.site, manager: manager) },
            logger: self.logger)
        do {
            try await signals.run(ServiceGroup(configuration: configuration))
        } catch is CancellationError {
            // The patience for the last ranges is over.
        }
    }

    private func end() async {
        await self.site.workers.stop()
        self.stop(self.plugins[...])
        self.watches.stop()
        await self.outbound.shutdown()
    }

    private func stop(_ plugins: ArraySlice<PluginInstance>) {
        for plugin in plugins.reversed() { plugin.stop() }
    }
}

/// What a host is started with besides its configuration.
struct Launch: Sendable {
    var manager: ServiceManager
    var sockets: PassedSockets
    /// The header field with which clients are let in, where the host knows one.
    var clientHeader: String?
    /// Gives up the check of what is loaded.
    var loadsByPath: Bool
    /// Reads the configuration file once more; nil without one.
    var readAgain: (@Sendable () throws -> Configuration)?
}

/// Counts addresses until all are served.
private final class Readiness: Sendable {
    private let missing: Atomic<Int>
    private let isReached: @Sendable () -> Void

    init(of count: Int, _ isReached: @escaping @Sendable () -> Void) {
        self.missing = Atomic(count)
        self.isReached = isReached
    }

    func count() {
        if self.missing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { self.isReached() }
    }
}
