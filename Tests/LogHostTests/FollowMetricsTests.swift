import LogHost
import MetricsTestKit
import NIOCore
import Testing

@Suite struct FollowMetricsTests {
    @Test func `what operators see has the documented names`() throws {
        let recorded = TestMetrics()
        let metrics = FollowMetrics(factory: recorded)
        metrics.measure(followers: 7, tails: 2, ringBytes: 4_096)
        metrics.measure(catchUps: 3)
        for cause in ["rotation", "vacuum", "vacuum", "truncation", "source-error", "nonsense"] { metrics.countGap(cause) }
        metrics.recordDelay(since: .now() - .milliseconds(5))
        #expect(try recorded.expectGauge("loghost_followers").lastValue == 7)
        #expect(try recorded.expectGauge("loghost_tails").lastValue == 2)
        #expect(try recorded.expectGauge("loghost_ring_bytes").lastValue == 4_096)
        #expect(try recorded.expectGauge("loghost_catch_ups").lastValue == 3)
        #expect(try recorded.expectCounter("loghost_gaps_total", [("cause", "vacuum")]).totalValue == 2)
        #expect(try recorded.expectCounter("loghost_gaps_total", [("cause", "rotation")]).totalValue == 1)
        let delay = try #require(try recorded.expectTimer("loghost_delivery_delay_seconds").lastValue)
        #expect(delay >= 5_000_000, "nanoseconds")
    }
}
