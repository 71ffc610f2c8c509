internal import Metrics
internal import NIOCore
internal import Synchronization

/// What operators see of requests.
final class RequestMetrics: Sendable {
    private struct Outcome: Hashable {
        var route: String
        var status: Int
        var format: String
    }

    private struct Way: Hashable {
        var route: String
        var format: String
    }

    private struct State {
        var outcomes: [Outcome: Counter] = [:]
        var meters: [Way: AnswerMeter] = [:]
        var heads: [String: Metrics.Timer] = [:]
        var cuts: [Way: Counter] = [:]
    }

    /// What no route has answered.
    static let noRoute = "(none)"
    /// Routes times statuses times formats: a plugin may make up statuses. What comes after has status 0.
    private static let capacity = 900

    private let factory: any MetricsFactory
    private let inFlight: Meter
    private let state = Mutex(State())

    init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
        self.inFlight = Meter(label: "loghost_http_requests_in_flight", dimensions: [], factory: factory)
    }

    /// Counts a request's beginning or end.
    func measure(begun: Bool) {
        if begun { self.inFlight.increment(by: 1) } else { self.inFlight.decrement(by: 1) }
    }

    func count(route: String, status: Int, format: String) {
        self.state.withLock { state in
            var outcome = Outcome(route: route, status: status, format: format)
            if state.outcomes.count >= Self.capacity, state.outcomes[outcome] == nil {
                outcome = Outcome(route: Self.noRoute, status: 0, format: "")
            }
            if let counter = state.outcomes[outcome] { return counter }
            let labels = [("route", outcome.route), ("status", "\(outcome.status)"), ("format", outcome.format)]
            let counter = Counter(label: "loghost_http_requests_total", dimensions: labels, factory: self.factory)
            state.outcomes[outcome] = counter
            return counter
        }.increment()
    }

    func recordHead(route: String, since start: NIODeadline) {
        self.state.withLock { state in
            if let timer = state.heads[route] { return timer }
            let timer = Metrics.Timer(
                label: "loghost_http_head_duration_seconds", dimensions: [("route", route)], factory: self.factory)
            state.heads[route] = timer
            return timer
        }.recordNanoseconds((.now() - start).nanoseconds)
    }

    /// `cause` is `client`, `source` or `stop`.
    func countCut(route: String, cause: String) {
        self.state.withLock { state in
            let way = Way(route: route, format: cause)
            if let counter = state.cuts[way] { return counter }
            let labels = [("route", route), ("cause", cause)]
            let counter = Counter(label: "loghost_http_cut_answers_total", dimensions: labels, factory: self.factory)
            state.cuts[way] = counter
            return counter
        }.increment()
    }

    /// What answers of a route in a format count into.
    func meter(route: String, format: String) -> AnswerMeter {
        self.state.withLock { state in
            let way = Way(route: route, format: format)
            if let meter = state.meters[way] { return meter }
            let labels = [("route", route), ("format", format)]
            let meter = AnswerMeter(
                bytes: Counter(label: "loghost_http_sent_bytes_total", dimensions: labels, factory: self.factory),
                entries: format.isEmpty
                    ? nil : Counter(label: "loghost_entries_sent_total", dimensions: labels, factory: self.factory))
            state.meters[way] = meter
            return meter
        }
    }
}

/// Bytes and entries of all answers of one route in one format.
struct AnswerMeter: Sendable {
    fileprivate let bytes: Counter
    /// Only logs have entries.
    fileprivate let entries: Counter?
}

/// Bytes and entries of one answer, counted for all as well.
final class AnswerTally: Sendable {
    private let meter: AnswerMeter
    private let byteCount = Atomic<Int>(0)
    private let entryCount = Atomic<Int>(0)

    init(_ meter: AnswerMeter) { self.meter = meter }

    var bytes: Int { self.byteCount.load(ordering: .relaxed) }
    var entries: Int { self.entryCount.load(ordering: .relaxed) }

    /// Counts what one write has brought to the connection.
    func add(bytes count: Int) {
        guard count > 0 else { return }
        self.byteCount.add(count, ordering: .relaxed)
        self.meter.bytes.increment(by: count)
    }

    /// Counts the entries of one piece of an answer.
    func add(entries count: Int) {
        guard count > 0 else { return }
        self.entryCount.add(count, ordering: .relaxed)
        self.meter.entries?.increment(by: count)
    }
}
