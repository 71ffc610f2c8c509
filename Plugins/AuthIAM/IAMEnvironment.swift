internal import Glibc
package import PluginKit

/// What the plugin has of the world around it: requests to the IAM, the log, and two clocks.
package struct IAMEnvironment: Sendable {
    /// Makes a request to the IAM; `Host.fetch` but for tests.
    package var fetch: @Sendable (HTTPRequest) async throws -> HTTPResponse
    /// Writes one record: no token, no part of one, no address.
    package var log: @Sendable (Host.LogLevel, String, [(key: String, value: String)]) -> Void
    /// Tells microseconds since the epoch, which a token's `exp` is compared with.
    package var realtime: @Sendable () -> UInt64
    /// Tells the time that what is cached ages by.
    package var monotonic: @Sendable () -> ContinuousClock.Instant

    /// Makes the environment that a host gives.
    package init(host: Host) {
        self.fetch = { try await host.fetch($0) }
        self.log = { host.log($0, $1, $2) }
        self.realtime = { host.realtimeMicroseconds ?? Self.systemRealtime() }
        self.monotonic = { ContinuousClock.now }
    }

    private static func systemRealtime() -> UInt64 {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return .max }
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }
}
