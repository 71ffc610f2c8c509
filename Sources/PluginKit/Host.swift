package import PluginABI

/// The host as a plugin sees it: its log, metrics, clock, descriptors and wake.
public struct Host: Sendable {
    // The host keeps what this points to until the instance's destroy has returned, and its functions are for any thread.
    @safe
    private struct Pointer: @unchecked Sendable {
        let value: UnsafePointer<loghost_host>
    }

    private let host: Pointer?
    /// The instance's name in the configuration.
    public let name: String
    /// True when this instance is one of the authorizers that decide about every request.
    public let authorizes: Bool
    let calls = HTTPCalls()

    package init(_ host: UnsafePointer<loghost_host>) {
        self.host = unsafe Pointer(value: host)
        self.name = unsafe host.pointee.name.text
        self.authorizes = unsafe host.pointee.flags & UInt32(LOGHOST_HOST_AUTHORIZES) != 0
    }

    /// Makes a host that does nothing, for tests of a plugin's own code.
    public init(name: String, authorizes: Bool = false) {
        self.host = nil
        self.name = name
        self.authorizes = authorizes
    }

    func service<Functions>(_ id: StaticString, as type: Functions.Type) -> (UnsafePointer<loghost_host>, Functions)? {
        guard let host = unsafe self.host?.value, let get = unsafe host.pointee.get_extension,
            let functions = unsafe get(host, UnsafeRawPointer(id.utf8Start).assumingMemoryBound(to: CChar.self))
        else { return nil }
        return unsafe (host, functions.assumingMemoryBound(to: type).pointee)
    }

    /// Levels of the host's log.
    public enum LogLevel: Int32, Sendable {
        /// Everything.
        case trace = 0
        /// For developers.
        case debug = 1
        /// Ordinary life.
        case info = 2
        /// Worth knowing.
        case notice = 3
        /// Something is off.
        case warning = 4
        /// Something failed.
        case error = 5
    }

    /// Writes one record under the instance's name: no token, no personal data.
    public func log(_ level: LogLevel, _ message: String, _ attributes: [(key: String, value: String)] = []) {
        guard let (host, log) = unsafe self.service("loghost.host.log/1", as: loghost_host_log.self) else { return }
        let arena = Arena()
        let list = unsafe attributes.map { unsafe loghost_log_attribute(key: arena.bytes($0.key), value: arena.bytes($0.value)) }
        unsafe log.log(host, level.rawValue, arena.bytes(message), arena.array(list), list.count)
        withExtendedLifetime(arena) {}
    }

    /// Microseconds since the epoch; nil without a clock service.
    public var realtimeMicroseconds: UInt64? {
        guard let (host, clock) = unsafe self.service("loghost.host.clock/1", as: loghost_host_clock.self) else { return nil }
        return unsafe clock.realtime(host)
    }

    /// Makes a metric or finds it again; recording does nothing when the host has no metrics service.
    public func metric(_ kind: Metric.Kind, _ name: String, labels: [(name: String, value: String)] = []) -> Metric {
        guard let (host, metrics) = unsafe self.service("loghost.host.metrics/1", as: loghost_host_metrics.self) else {
            return Metric(host: self, id: 0)
        }
        let arena = Arena()
        let list = unsafe labels.map { unsafe loghost_label(name: arena.bytes($0.name), value: arena.bytes($0.value)) }
        let id = unsafe metrics.metric(host, kind.rawValue, arena.bytes(name), arena.array(list), list.count)
        withExtendedLifetime(arena) {}
        return Metric(host: self, id: id)
    }

    func record(_ metric: UInt64, _ value: Double) {
        guard metric != 0,
            let (host, metrics) = unsafe self.service("loghost.host.metrics/1", as: loghost_host_metrics.self)
        else { return }
        unsafe metrics.record(host, metric, value)
    }

    func wake(_ id: UInt64) {
        guard let host = unsafe self.host?.value, let wake = unsafe host.pointee.wake else { return }
        unsafe wake(host, id)
    }
}

/// A number for operators.
public struct Metric: Sendable {
    /// What kind of number.
    public enum Kind: Int32, Sendable {
        /// Only grows.
        case counter = 1
        /// A level.
        case gauge = 2
        /// A distribution; durations in seconds.
        case histogram = 3
    }

    let host: Host
    let id: UInt64

    /// Adds to a counter, sets a gauge, observes a value in a histogram.
    public func record(_ value: Double) {
        self.host.record(self.id, value)
    }
}

/// Tells the host that a reader may have something now. Safe from any thread, also when the reader is gone.
public struct Wake: Sendable {
    let host: Host
    let id: UInt64

    /// A wake that nobody hears, for tests of a reader.
    public static let none = Wake(host: Host(name: ""), id: 0)

    /// Wakes; calls coalesce.
    public func callAsFunction() {
        self.host.wake(self.id)
    }
}
