internal import Metrics
internal import PluginABI
internal import Synchronization

/// The metrics of one instance, by the ids its plugin knows them by.
final class MetricRegistry: Sendable {
    private enum Metric: Sendable {
        case counter(FloatingPointCounter)
        case gauge(Gauge)
        case histogram(Recorder)
    }

    private struct State {
        var metrics: [Metric] = []
        var ids: [String: UInt64] = [:]
    }

    /// A plugin that makes a metric per request would otherwise take all memory.
    private static let capacity = 1_000

    private let prefix: String
    private let factory: any MetricsFactory
    private let state = Mutex(State())

    init(prefix: String, factory: any MetricsFactory = MetricsSystem.factory) {
        self.prefix = prefix
        self.factory = factory
    }

    /// Makes a metric or finds it again; 0 when there are too many, or the name is malformed.
    func metric(kind: Int32, name: String, labels: [(String, String)]) -> UInt64 {
        guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy(isNameByte), labels.count <= 16 else { return 0 }
        let key = "\(kind) \(name) \(labels)"
        return self.state.withLock { state in
            if let id = state.ids[key] { return id }
            guard state.metrics.count < Self.capacity else { return 0 }
            let label = self.prefix + name
            switch Int(kind) {
            case LOGHOST_METRIC_COUNTER:
                state.metrics.append(
                    .counter(FloatingPointCounter(label: label, dimensions: labels, factory: self.factory)))
            case LOGHOST_METRIC_GAUGE:
                state.metrics.append(.gauge(Gauge(label: label, dimensions: labels, factory: self.factory)))
            case LOGHOST_METRIC_HISTOGRAM:
                state.metrics.append(.histogram(Recorder(label: label, dimensions: labels, factory: self.factory)))
            default: return 0
            }
            let id = UInt64(state.metrics.count)
            state.ids[key] = id
            return id
        }
    }

    /// Adds, sets or observes; an unknown id does nothing.
    func record(_ id: UInt64, _ value: Double) {
        let metric = self.state.withLock { state in
            id > 0 && id <= state.metrics.count ? state.metrics[Int(id) - 1] : nil
        }
        switch metric {
        case .counter(let counter): counter.increment(by: value)
        case .gauge(let gauge): gauge.record(value)
        case .histogram(let recorder): recorder.record(value)
        case nil: break
        }
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
}

let metricFunctions = unsafe FunctionTable(
    loghost_host_metrics(
        size: UInt32(MemoryLayout<loghost_host_metrics>.size), reserved: 0,
        metric: { host, kind, name, labels, count in
            guard let services = unsafe HostServices.of(host) else { return 0 }
            let labels = unsafe UnsafeBufferPointer(start: labels, count: count).map { unsafe ($0.name.text, $0.value.text) }
            return unsafe services.metrics.metric(kind: kind, name: name.text, labels: labels)
        },
        record: { host, metric, value in
            unsafe HostServices.of(host)?.metrics.record(metric, value)
        }))
