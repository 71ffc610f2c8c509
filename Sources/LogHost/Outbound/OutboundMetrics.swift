internal import Metrics
internal import NIOCore
internal import PluginABI

/// What operators see of one plugin's requests to other servers, its own or those forwarded for it.
final class OutboundMetrics: Sendable {
    private let inFlight: Gauge
    /// To the answer's end; of streams to the head.
    private let duration: Metrics.Timer
    private let requests: [String: Counter]

    /// `kind` is the first word of the names.
    init(_ kind: String = "outbound", plugin: String, factory: any MetricsFactory) {
        let label = ("plugin", plugin)
        self.inFlight = Gauge(label: "loghost_\(kind)_requests_in_flight", dimensions: [label], factory: factory)
        self.duration = Metrics.Timer(label: "loghost_\(kind)_request_duration_seconds", dimensions: [label], factory: factory)
        let outcomes = [
            "2xx", "3xx", "4xx", "5xx", "other", "upstream", "timeout", "limit", "invalid", "unavailable", "cancelled",
        ]
        self.requests = Dictionary(
            uniqueKeysWithValues: outcomes.map { outcome in
                let labels = [label, ("outcome", outcome)]
                return (outcome, Counter(label: "loghost_\(kind)_requests_total", dimensions: labels, factory: factory))
            })
    }

    func measure(inFlight: Int) { self.inFlight.record(inFlight) }

    func recordDuration(since start: NIODeadline) { self.duration.recordNanoseconds((.now() - start).nanoseconds) }

    func countCancelled() { self.requests["cancelled"]?.increment() }

    func count(status: UInt) {
        self.requests[(200...599).contains(status) ? "\(status / 100)xx" : "other"]?.increment()
    }

    func count(_ failure: PluginFailure) {
        let outcome =
            switch failure.code {
            case LOGHOST_ERROR_UPSTREAM: "upstream"
            case LOGHOST_ERROR_TIMEOUT: "timeout"
            case LOGHOST_ERROR_LIMIT: "limit"
            case LOGHOST_ERROR_INVALID: "invalid"
            case LOGHOST_ERROR_UNAVAILABLE: "unavailable"
            default: "other"
            }
        self.requests[outcome]?.increment()
    }
}
