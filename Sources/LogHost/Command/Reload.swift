internal import Logging
internal import NIOPosix

/// Reads the configuration again and takes into use what can change in a running host: limits, the log level, and how listeners speak TLS. All
/// of it or, when there is a mistake, nothing.
struct Reload: Sendable {
    /// Reads the file as at the start.
    let read: @Sendable () throws -> Configuration
    let listeners: [Listener]
    let site: Site
    let manager: ServiceManager

    func run() async {
        self.manager.reloading()
        // Files may lie on a slow disk.
        try? await NIOThreadPool.singleton.runIfActive { self.take() }
        self.manager.ready()
    }

    private func take() {
        let logger = self.site.logger
        do {
            let configuration = try self.read()
            let identities = try self.listeners.compactMap { try $0.prepareTLS(of: configuration, isLogged: true) }
            for use in identities { use() }
            LogThreshold.shared.level = configuration.logLevel
            self.site.liveLimits.change(to: configuration.limits.keepingWhatIsBuilt(of: self.site.configuration.limits))
            logger.notice("the configuration has been read again")
            for key in self.site.configuration.settings(thatOnlyANewProcessTakesFrom: configuration) {
                logger.warning("a changed setting needs a new process", metadata: ["key": "\(key)"])
            }
        } catch {
            logger.error(
                "the configuration is not good: the earlier one stays in force", metadata: ["reason": "\(error)"])
        }
    }
}

extension Limits {
    /// With the numbers of another one by which threads and readers were made at the start.
    fileprivate func keepingWhatIsBuilt(of other: Limits) -> Limits {
        var limits = self
        limits.workerThreads = other.workerThreads
        limits.catchUps = other.catchUps
        return limits
    }
}

extension Configuration {
    /// Names the settings that another configuration has otherwise and a running host cannot change.
    package func settings(thatOnlyANewProcessTakesFrom other: Configuration) -> [String] {
        var keys: [String] = []
        func compare<Value: Equatable>(_ key: String, _ value: (Configuration) -> Value) {
            if value(self) != value(other) { keys.append(key) }
        }
        if !self.listen.elementsEqual(other.listen, by: { $0.isSamePlace(as: $1) }) { keys.append("listen") }
        compare("plugin_path") { $0.pluginPath }
        compare("plugins") { $0.plugins.map(\.withoutLine) }
        compare("authorizers") { $0.authorizers }
        compare("insecure") { $0.insecure }
        compare("trusted_proxies") { $0.trustedProxies }
        compare("access_log") { $0.accessLog }
        compare("limits.catch_ups") { $0.limits.catchUps }
        compare("limits.worker_threads") { $0.limits.workerThreads }
        compare("streams") { $0.streams }
        if !self.monitoring.listen.elementsEqual(other.monitoring.listen, by: { $0.isSamePlace(as: $1) }) {
            keys.append("monitoring.listen")
        }
        return keys
    }
}

extension PluginConfiguration {
    /// A comment above it changes nothing.
    fileprivate var withoutLine: PluginConfiguration {
        var plugin = self
        plugin.line = 0
        return plugin
    }
}
