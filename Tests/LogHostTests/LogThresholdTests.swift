import LogHost
import Logging
import Testing

@Suite struct LogThresholdTests {
    @Test func `a level moves as far as there are any`() {
        let threshold = LogThreshold(.notice)
        #expect(threshold.move(by: -1) == .info)
        #expect(threshold.move(by: 2) == .warning)
        #expect(threshold.move(by: 100) == .critical)
        #expect(threshold.move(by: 1) == .critical)
        #expect(threshold.move(by: -100) == .trace)
        #expect(threshold.level == .trace)
    }

    @Test func `a logger that is there follows, unless it has a level of its own`() {
        let threshold = LogThreshold(.error)
        let logger = Logger(label: "a") {
            HostLogHandler(label: $0, output: .lines(LineWriter(descriptor: -1)), threshold: threshold)
        }
        var own = logger
        own.logLevel = .critical
        #expect(logger.logLevel == .error)
        threshold.level = .debug
        #expect(logger.logLevel == .debug)
        #expect(own.logLevel == .critical)
    }
}
