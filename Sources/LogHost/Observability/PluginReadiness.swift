internal import NIOCore
internal import Synchronization

/// Whether the plugins can do their work, as they say themselves; asked at most about once a second.
final class PluginReadiness: Sendable {
    struct Plugin: Sendable {
        var name: String
        var checks: [HealthCheck]

        var isReady: Bool { self.checks.allSatisfy(\.isReady) }
    }

    private struct Known {
        var plugins: [Plugin]
        var until: NIODeadline
    }

    private static let lifetime = TimeAmount.seconds(1)
    /// A plugin that does not say anything in this time is not ready.
    private static let patience = Duration.seconds(3)

    private let plugins: [PluginInstance]
    private let workers: WorkerPool
    private let known = Mutex<Known?>(nil)
    private let asking = OperationTable<[HealthCheck]>()

    init(_ plugins: [PluginInstance], workers: WorkerPool) {
        self.plugins = plugins
        self.workers = workers
    }

    /// The plugins in their order.
    func states() async -> [Plugin] {
        if let known = self.known.withLock({ $0 }), known.until > .now() { return known.plugins }
        let deadline = ContinuousClock.now + Self.patience
        var states: [Plugin] = []
        for plugin in self.plugins {
            let checks = await self.ask(plugin, until: deadline)
            states.append(Plugin(name: plugin.name, checks: checks))
        }
        let known = Known(plugins: states, until: .now() + Self.lifetime)
        self.known.withLock { $0 = known }
        return states
    }

    private func ask(_ plugin: PluginInstance, until deadline: ContinuousClock.Instant) async -> [HealthCheck] {
        guard let health = plugin.health else { return [] }
        let (asking, workers) = (self.asking, self.workers)
        do {
            // Nobody waits for longer than the deadline, whatever the plugin and the workers do.
            return try await asking.perform(until: deadline) { operation in
                Task {
                    let checks = try await workers.call { health.check() }
                    _ = asking.complete(operation, .success(checks))
                }
            } cancel: { _ in
            }
        } catch {
            return [HealthCheck(name: "answer", isReady: false, message: "The plugin does not answer.")]
        }
    }
}
