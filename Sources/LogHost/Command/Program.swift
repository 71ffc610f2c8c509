internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import PluginABI
internal import ServiceLifecycle
internal import UnixSignals

/// The running host: plugins loaded, routes built, listeners bound; and all of that taken down in reverse.
struct Program {
    private let configuration: Configuration
    private let logger: Logger
    private let plugins: [PluginInstance]
    private let watches: DescriptorWatch
    private let outbound: OutboundClient
    private let site: Site

    /// Loads and creates everything; nothing runs yet. Throws one line for whatever is wrong.
    init(
        configuration: Configuration, metrics: MetricStore, clientHeader: String? = nil, unsafeLoadByPath: Bool, logger: Logger
    ) throws {
        self.configuration = configuration
        self.logger = logger
        Self.raiseDescriptorLimit(for: configuration.limits.connections, logger)
        self.watches = DescriptorWatch()
        self.outbound = OutboundClient()
        let wakes = WakeRegistry()
        var plugins: [PluginInstance] = []
        for plugin in configuration.plugins {
            plugins.append(
                try Self.create(plugin, configuration, metrics, unsafeLoadByPath, logger, wakes, self.watches, self.outbound))
        }
        self.plugins = plugins
        self.site = Site(
            plugins: plugins, metrics: metrics, routes: try Self.routes(of: plugins), encoders: try Self.encoders(of: plugins),
            authorizers: try Self.authorizers(of: plugins, named: configuration.authorizers),
            workers: WorkerPool(threads: configuration.limits.workerThreads, queueCapacity: configuration.limits.workerQueue),
            wakes: wakes, outbound: self.outbound, shutdown: Shutdown(), configuration: configuration, clientHeader: clientHeader,
            logger: logger)
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
            for route in source.routes() {
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
        // Begun first, ended last: what the listeners' follows take from.
        var services: [any Service] = [self.site.follows]
        if let authorization = self.site.authorization { services.append(authorization.rechecks) }
        for address in self.configuration.listen {
            services.append(try Listener(address: address, site: self.site, logger: self.logger))
        }
        for address in self.configuration.monitoring.listen {
            services.append(try Listener(address: address, audience: .watchers, site: self.site, logger: self.logger))
        }
        var configuration = ServiceGroupConfiguration(services: services, logger: self.logger)
        configuration.maximumGracefulShutdownDuration = self.configuration.streams.shutdown
        let group = ServiceGroup(configuration: configuration)
        do {
            try await self.untilSignalled(group)
        } catch is CancellationError {
            // The patience for the last ranges is over.
        }
    }

    /// Runs the services. The first SIGTERM or SIGINT begins a graceful stop, the second ends the process at once.
    private func untilSignalled(_ group: ServiceGroup) async throws {
        let shutdown = self.site.shutdown
        let patience = self.configuration.streams.shutdown + .seconds(5)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                    if shutdown.hasBegun { _exit(130) }
                    shutdown.begin()
                    endAnyway(after: patience)
                    await group.triggerGracefulShutdown()
                }
            }
            tasks.addTask {
                try await group.run()
                throw ServicesEnded()
            }
            do {
                while try await tasks.next() != nil {}
            } catch is ServicesEnded {}
            tasks.cancelAll()
        }
    }

    /// All listeners are closed and their connections with them.
    private struct ServicesEnded: Error {}

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

/// Ends the process when it has not ended by itself: a plugin's call that does not return cannot be interrupted.
private func endAnyway(after patience: Duration) {
    let seconds = UInt32(clamping: patience.components.seconds)
    var thread = pthread_t()
    let context = unsafe UnsafeMutableRawPointer(bitPattern: UInt(max(seconds, 1)))
    unsafe pthread_create(
        &thread, nil,
        { context in
            sleep(UInt32(UInt(bitPattern: context)))
            _exit(1)
        }, unsafe context)
}
