package import PluginKit

/// The systemd journal as a log source, over libsystemd.
package struct JournalPlugin: Plugin {
    package static let name = "journald"
    package static let version = "0.1.0"
    package static let summary = "The systemd journal: component and container logs, Logging API v1 and v2"

    package let source: (any LogSource)?
    private let pool: HandlePool
    private let host: Host

    package init(configuration: JournalConfiguration, host: Host) throws {
        try configuration.validate()
        self.host = host
        self.pool = HandlePool(place: configuration.place, host: host)
        self.source = JournalSource(pool: self.pool, uniqueFields: configuration.fields ?? JournalConfiguration.defaultFields)
    }

    /// Looks once whether there is a journal to read, and says so in the log when there is none.
    package func start() throws {
        for check in self.health() where !check.message.isEmpty {
            self.host.log(check.isReady ? .warning : .error, check.message)
        }
    }

    /// A journal without files, or without entries, is one that can be read.
    package func health() -> [HealthCheck] {
        do {
            guard let handle = try self.pool.take() else {
                return [HealthCheck("journal", isReady: true, message: "There are no journal files yet.")]
            }
            defer { self.pool.give(handle) }
            return [
                HealthCheck("journal", isReady: true, message: try handle.hasEntries ? "" : "The journal has no entries yet.")
            ]
        } catch {
            return [HealthCheck("journal", isReady: false, message: (error as? PluginError)?.message ?? "It cannot be read.")]
        }
    }

    package func stop() {
        self.pool.drain()
    }
}
