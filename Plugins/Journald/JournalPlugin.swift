package import PluginKit

/// The systemd journal as a log source.
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
        self.pool = HandlePool(
            place: configuration.place, reader: configuration.reader ?? .mapped, host: host)
        self.source = JournalSource(pool: self.pool, uniqueFields: configuration.fields ?? JournalConfiguration.defaultFields)
    }

    /// Looks once whether there is a journal to read, and says so in the log when there is none.
    package func start() throws {
        for check in self.health() where !check.message.isEmpty {
            self.host.log(check.isReady ? .warning : .error, check.message)
        }
        self.pool.releaseMemory()
    }

    /// A journal without files, or without entries, is one that can be read.
    package func health() -> [HealthCheck] {
        do {
            let message = try self.pool.attempt { handle in
                guard let handle else { return "There are no journal files yet." }
                defer { self.pool.give(handle) }
                return try handle.hasEntries ? "" : "The journal has no entries yet."
            }
            return [HealthCheck("journal", isReady: true, message: message)]
        } catch {
            return [HealthCheck("journal", isReady: false, message: (error as? PluginError)?.message ?? "It cannot be read.")]
        }
    }

    /// True when the files there are now need no libsystemd.
    package var isMapped: Bool { self.pool.isMapped }

    package func stop() {
        self.pool.drain()
    }
}
