package import Metrics
internal import Synchronization

/// All metrics of the process, by name and labels: what `/metrics` gives out.
///
/// Recording takes no lock. Making a metric does, and is bounded: what there is no room for is refused, and counted.
package final class MetricStore: Sendable {
    enum Cell: Sendable {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)
    }

    struct Family: Sendable {
        var kind: MetricKind
        /// The plugin that makes it; empty = the host.
        var owner: String
        var series: [String: Cell] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        /// Which family the names of samples belong to: two must not give samples of one name.
        var names: [String: String] = [:]
        var seriesCount = 0
    }

    /// Label values come from closed sets; a plugin that breaks that rule shuts out nobody else.
    package static let familyCapacity = 1_000
    package static let capacity = 10_000
    private static let valueCapacity = 128

    private let state = Mutex(State())
    /// Metrics that were not made: too many, or malformed.
    let refused = CounterCell()

    package init() {}

    /// What makes metrics of the host, or of one plugin.
    package func factory(owner: String = "") -> MetricStoreFactory { MetricStoreFactory(store: self, owner: owner) }

    /// Everything that is counted, in Prometheus' text format.
    package var text: String {
        var text = MetricText()
        for (name, family) in self.state.withLock({ $0.families }).sorted(by: { $0.key < $1.key }) { text.append(name, family) }
        return text.text
    }

    package var refusedCount: Int { Int(self.refused.value) }

    /// Finds a metric or makes it; nil when it is refused.
    func cell(_ kind: MetricKind, _ label: String, _ labels: [(String, String)], owner: String) -> Cell? {
        let name = kind == .counter && !label.hasSuffix("_total") ? label + "_total" : label
        guard let key = Self.key(name, labels, kind), owner.isEmpty || MetricCatalog.help[name] == nil else {
            return self.refuse()
        }
        let cell = self.state.withLock { state -> Cell? in
            if let family = state.families[name] {
                guard family.kind == kind, family.owner == owner else { return nil }
                if let cell = family.series[key] { return cell }
                guard family.series.count < Self.familyCapacity else { return nil }
            } else {
                guard kind.sampleNames(name).allSatisfy({ state.names[$0] == nil }) else { return nil }
            }
            guard state.seriesCount < Self.capacity else { return nil }
            for sample in kind.sampleNames(name) { state.names[sample] = name }
            let cell: Cell =
                switch kind {
                case .counter: .counter(CounterCell())
                case .gauge: .gauge(GaugeCell())
                case .histogram: .histogram(HistogramCell(bounds: MetricCatalog.bounds(name)))
                }
            state.families[name, default: Family(kind: kind, owner: owner)].series[key] = cell
            state.seriesCount += 1
            return cell
        }
        return cell ?? self.refuse()
    }

    private func refuse() -> Cell? {
        self.refused.increment(by: 1 as Int64)
        return nil
    }

    /// The labels as they stand in the text; nil when name or labels are malformed.
    private static func key(_ name: String, _ labels: [(String, String)], _ kind: MetricKind) -> String? {
        guard name.utf8.count <= 200, isName(name), labels.count <= 16 else { return nil }
        var seen: Set<String> = []
        for (label, value) in labels {
            guard isName(label), !label.hasPrefix("__"), seen.insert(label).inserted, value.utf8.count <= Self.valueCapacity,
                kind != .histogram || label != "le"
            else { return nil }
        }
        return MetricText.labels(labels)
    }
}

/// What a metric is, in the words of the format.
package enum MetricKind: String, Sendable {
    case counter, gauge, histogram

    fileprivate func sampleNames(_ name: String) -> [String] {
        self == .histogram ? [name, "\(name)_bucket", "\(name)_sum", "\(name)_count"] : [name]
    }
}

private func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return text.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
    }
}

/// Makes the metrics that swift-metrics is asked for.
package struct MetricStoreFactory: MetricsFactory {
    fileprivate let store: MetricStore
    fileprivate let owner: String

    // What is refused counts for nobody.

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterCell {
        if case .counter(let cell)? = self.store.cell(.counter, label, dimensions, owner: self.owner) {
            cell
        } else {
            CounterCell()
        }
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeCell {
        if case .gauge(let cell)? = self.store.cell(.gauge, label, dimensions, owner: self.owner) { cell } else { GaugeCell() }
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramCell {
        if case .histogram(let cell)? = self.store.cell(.histogram, label, dimensions, owner: self.owner) {
            cell
        } else {
            HistogramCell(bounds: [])
        }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.counter(label, dimensions)
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        self.counter(label, dimensions)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { self.gauge(label, dimensions) }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate ? self.histogram(label, dimensions) : self.gauge(label, dimensions)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        self.histogram(label, dimensions)
    }

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
