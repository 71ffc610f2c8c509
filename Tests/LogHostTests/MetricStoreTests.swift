import LogHost
import Metrics
import Testing

@Suite struct MetricStoreTests {
    private let store = MetricStore()

    private func text(_ name: String) -> [Substring] {
        self.store.text.split(separator: "\n").filter { !$0.hasPrefix("#") && $0.hasPrefix(name) }
    }

    @Test func `a metric is made once and found again`() {
        for owner in ["a", "a"] {
            Counter(label: "x_total", dimensions: [("k", "v")], factory: self.store.factory(owner: owner)).increment(by: 2)
        }
        #expect(self.text("x_total") == [#"x_total{k="v"} 4"#])
        #expect(self.store.refusedCount == 0)
    }

    @Test func `a plugin can neither take the host's names nor another plugin's`() {
        Counter(label: "loghost_gaps_total", dimensions: [("cause", "mine")], factory: self.store.factory(owner: "a")).increment()
        Counter(label: "a_total", dimensions: [], factory: self.store.factory(owner: "a")).increment()
        Counter(label: "a_total", dimensions: [], factory: self.store.factory(owner: "b")).increment()
        #expect(self.text("loghost_gaps_total").isEmpty)
        #expect(self.text("a_total") == ["a_total 1"])
        #expect(self.store.refusedCount == 2)
    }

    @Test func `samples of two metrics never have the same name`() {
        let factory = self.store.factory(owner: "a")
        Recorder(label: "x_seconds", dimensions: [], factory: factory).record(1)
        Gauge(label: "x_seconds", dimensions: [], factory: factory).record(1)
        Gauge(label: "x_seconds_count", dimensions: [], factory: factory).record(7)
        #expect(self.text("x_seconds_count") == ["x_seconds_count 1"])
        #expect(self.store.refusedCount == 2)
    }

    @Test func `a plugin that makes a metric for each request takes a bounded part`() {
        let factory = self.store.factory(owner: "a")
        for number in 0..<1_500 { Counter(label: "x_total", dimensions: [("id", "\(number)")], factory: factory).increment() }
        #expect(self.text("x_total").count == MetricStore.familyCapacity)
        #expect(self.store.refusedCount == 500)
        Counter(label: "y_total", dimensions: [], factory: factory).increment()
        #expect(self.text("y_total") == ["y_total 1"])
        for number in 0..<20_000 {
            Counter(label: "z\(number % 50)_total", dimensions: [("id", "\(number)")], factory: factory).increment()
        }
        #expect(self.store.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.count == MetricStore.capacity)
    }

    @Test(arguments: ["", "1", "a-b", "__a", "le", "ä"]) func `a malformed label is refused`(name: String) {
        Recorder(label: "x_seconds", dimensions: [(name, "v")], factory: self.store.factory(owner: "a")).record(1)
        #expect(self.store.refusedCount == 1)
        #expect(self.text("x").isEmpty)
    }

    @Test func `a label's value is escaped`() {
        Gauge(label: "x", dimensions: [("k", "a\"b\\c\nd")], factory: self.store.factory(owner: "a")).record(1.5)
        #expect(self.text("x") == [#"x{k="a\"b\\c\nd"} 1.5"#])
    }

    @Test func `a distribution counts into buckets that include each other`() {
        let timer = Timer(label: "x_seconds", dimensions: [], factory: self.store.factory(owner: "a"))
        for nanoseconds in [100_000, 1_000_000, 1_000_001, 60_000_000_000] as [Int64] { timer.recordNanoseconds(nanoseconds) }
        let lines = self.text("x_seconds")
        for (bound, count) in [("0.0001", 1), ("0.001", 2), ("0.0025", 3), ("30", 3), ("+Inf", 4)] {
            #expect(lines.contains("x_seconds_bucket{le=\"\(bound)\"} \(count)"), "\(bound)")
        }
        #expect(lines.contains("x_seconds_count 4"))
    }

    @Test func `a counter never goes back`() {
        let counter = FloatingPointCounter(label: "x", dimensions: [], factory: self.store.factory(owner: "a"))
        for amount in [2.5, -1, .nan, .infinity] { counter.increment(by: amount) }
        #expect(self.text("x_total") == ["x_total 2.5"])
    }

    @Test func `what many threads count is all there`() async {
        let store = self.store
        await withTaskGroup { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    let factory = store.factory(owner: "a")
                    let counter = FloatingPointCounter(label: "x_total", dimensions: [], factory: factory)
                    let recorder = Recorder(label: "y", dimensions: [], factory: factory)
                    for _ in 0..<10_000 {
                        counter.increment(by: 0.5)
                        recorder.record(3)
                    }
                }
            }
        }
        #expect(self.text("x_total") == ["x_total 40000"])
        #expect(self.text("y_sum") == ["y_sum 240000"])
        #expect(self.text("y_count") == ["y_count 80000"])
    }
}
