package import Metrics
package import NIOCore
internal import PluginABI
internal import Synchronization

/// What operators see of the calls into one plugin.
package final class PluginMetrics: Sendable {
    /// What a plugin is called for.
    package enum Call: String, Sendable {
        case resolve, open, read, authorize, encode
    }

    private struct Failure: Hashable {
        var call: Call
        var code: String
    }

    private let plugin: String
    private let factory: any MetricsFactory
    private let durations: [Call: Metrics.Timer]
    private let errors = Mutex<[Failure: Counter]>([:])
    private let errorTotal = Atomic<Int>(0)

    package init(plugin: String, calls: [Call], factory: any MetricsFactory = MetricsSystem.factory) {
        self.plugin = plugin
        self.factory = factory
        self.durations = Dictionary(
            uniqueKeysWithValues: calls.map { call in
                let labels = [("plugin", plugin), ("call", call.rawValue)]
                return (call, Metrics.Timer(label: "loghost_plugin_call_duration_seconds", dimensions: labels, factory: factory))
            })
    }

    /// Calls that have failed since the start.
    package var errorCount: Int { self.errorTotal.load(ordering: .relaxed) }

    package func record(_ call: Call, since start: NIODeadline) {
        self.durations[call]?.recordNanoseconds((.now() - start).nanoseconds)
    }

    package func count(_ call: Call, _ error: any Error) {
        guard let code = Self.word(error) else { return }
        self.errorTotal.add(1, ordering: .relaxed)
        self.errors.withLock { errors in
            let failure = Failure(call: call, code: code)
            if let counter = errors[failure] { return counter }
            let labels = [("plugin", self.plugin), ("call", call.rawValue), ("code", code)]
            let counter = Counter(label: "loghost_plugin_errors_total", dimensions: labels, factory: self.factory)
            errors[failure] = counter
            return counter
        }.increment()
    }

    /// One of a closed set; nil for a call that nobody waits for any more.
    private static func word(_ error: any Error) -> String? {
        if error is CancellationError { return nil }
        if error is OperationTimeout { return "silence" }
        guard let failure = error as? PluginFailure else { return "internal" }
        return switch failure.code {
        case LOGHOST_ERROR_INVALID: "invalid"
        case LOGHOST_ERROR_MALFORMED_CURSOR: "malformed_cursor"
        case LOGHOST_ERROR_CURSOR_GONE: "cursor_gone"
        case LOGHOST_ERROR_NOT_FOUND: "not_found"
        case LOGHOST_ERROR_CONFLICT: "conflict"
        case LOGHOST_ERROR_UNAUTHENTICATED: "unauthenticated"
        case LOGHOST_ERROR_FORBIDDEN: "forbidden"
        case LOGHOST_ERROR_UPSTREAM: "upstream"
        case LOGHOST_ERROR_TIMEOUT: "timeout"
        case LOGHOST_ERROR_UNAVAILABLE: "unavailable"
        case LOGHOST_ERROR_LIMIT: "limit"
        case LOGHOST_ERROR_UNSUPPORTED: "unsupported"
        default: "internal"
        }
    }
}
