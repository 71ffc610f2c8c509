internal import NIOCore
internal import Synchronization

/// Whether the plugins can do their work, as they say themselves; asked at most about once a second.
final class PluginReadiness: Sendable {
    struct Plugin: Sendable {
        var name: String
        var checks: [HealthCheck]

        var isReady: Bool { self.checks.allSatisfy(\.isReady) }
    }

    private struct State {
        /// Asks all, or has asked them; who comes meanwhile waits for the same.
        var look: Task<[Plugin], Never>?
        var until = NIODeadline.now()
        /// Plugins whose check has not returned, whatever has become of who asked: a worker is in each of them.
        var busy: Set<String> = []
    }

    private static let lifetime = TimeAmount.seconds(1)
    /// A plugin that does not say anything in this time is not ready.
    private static let patience = Duration.seconds(3)

    private let plugins: [PluginInstance]
    private let workers: WorkerPool
    private let state = Mutex(State())
    private let asking = OperationTable<[HealthCheck]>()

    init(_ plugins: [PluginInstance], workers: WorkerPool) {
        self.plugins = plugins
        self.workers = workers
    }

    /// The plugins in their order.
    func states() async -> [Plugin] {
        await self.state.withLock { state in
            if let look = state.look, .now() < state.until { return look }
            let look = Task { await self.look() }
            state.look = look
            state.until = .distantFuture
            return look
        }.value
    }

    private func look() async -> [Plugin] {
        let deadline = ContinuousClock.now + Self.patience
        var plugins: [Plugin] = []
        for plugin in self.plugins {
            let checks = await self.ask(plugin, until: deadline)
            plugins.append(Plugin(name: plugin.name, checks: checks))
        }
        self.state.withLock { $0.until = .now() + Self.lifetime }
        return plugins
    }

    private func ask(_ plugin: PluginInstance, until deadline: ContinuousClock.Instant) async -> [HealthCheck] {
        guard let health = plugin.health else { return [] }
        let name = plugin.name
        let silence = [HealthCheck(name: "answer", isReady: false, message: "The plugin does not answer.")]
        guard self.state.withLock({ $0.busy.insert(name).inserted }) else { return silence }
        let (asking, workers) = (self.asking, self.workers)
        do {
            // Nobody waits for longer than the deadline, whatever the plugin and the workers do.
            return try await asking.perform(until: deadline) { operation in
                Task {
                    let result = try await workers.call { health.check() }
                    self.state.withLock { _ = $0.busy.remove(name) }
                    _ = asking.complete(operation, .success(result))
                }
            } cancel: { _ in
            }
        } catch {
            return silence
        }
    }
}
