/// Writes metrics in Prometheus' text format, version 0.0.4.
struct MetricText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text: String

    init(_ text: String = "") { self.text = text }

    /// Writes a metric whose values are known only now.
    mutating func append(_ kind: MetricKind, _ name: String, _ samples: [(labels: [(String, String)], value: Double)]) {
        guard !samples.isEmpty else { return }
        self.head(kind, name, owner: "")
        for sample in samples { self.sample(name, Self.labels(sample.labels), sample.value) }
    }

    /// Writes a family of the store.
    mutating func append(_ name: String, _ family: MetricStore.Family) {
        self.head(family.kind, name, owner: family.owner)
        for (labels, cell) in family.series.sorted(by: { $0.key < $1.key }) {
            switch cell {
            case .counter(let cell): self.sample(name, labels, cell.value)
            case .gauge(let cell): self.sample(name, labels, cell.value)
            case .histogram(let cell): self.histogram(name, labels, cell)
            }
        }
    }

    private mutating func head(_ kind: MetricKind, _ name: String, owner: String) {
        let help = MetricCatalog.help[name] ?? (owner.isEmpty ? "Of the host." : "Made by the plugin \(owner).")
        self.text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func histogram(_ name: String, _ labels: String, _ cell: HistogramCell) {
        let counts = cell.counts
        let bounds = cell.bounds.map(Self.number) + ["+Inf"]
        var count: UInt64 = 0
        for (bound, inBucket) in zip(bounds, counts) {
            count += inBucket
            self.sample("\(name)_bucket", labels + (labels.isEmpty ? "" : ",") + "le=\"\(bound)\"", Double(count))
        }
        self.sample("\(name)_sum", labels, cell.sum)
        self.sample("\(name)_count", labels, Double(count))
    }

    private mutating func sample(_ name: String, _ labels: String, _ value: Double) {
        self.text += labels.isEmpty ? "\(name) \(Self.number(value))\n" : "\(name){\(labels)} \(Self.number(value))\n"
    }

    /// Labels as they stand between the braces.
    static func labels(_ labels: [(String, String)]) -> String {
        labels.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(name)=\"\(escaped)\""
        }.joined(separator: ",")
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
