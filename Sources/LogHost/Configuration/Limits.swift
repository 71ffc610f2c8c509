/// Bounds what clients may take. Every bound has a range, so that no file can turn one off by accident.
package struct Limits: Sendable, Hashable {
    /// Bounds the open client connections, 1 to 1,000,000.
    package var connections = 12_000
    /// Bounds the open follows in all, 1 to 1,000,000.
    package var followers = 10_000
    /// Bounds the open follows of one principal, 1 to 1,000,000.
    package var followersPerPrincipal = 2_000
    /// Bounds the open follows of one client address, 1 to 1,000,000.
    package var followersPerAddress = 2_000
    /// Bounds the readers that follows have of their own until they are at the live end, 1 to 10,000; others wait their turn.
    package var catchUps = 64
    /// Bounds the range answers under way in all, 1 to 100,000.
    package var ranges = 256
    /// Bounds the range answers under way of one principal, 1 to 100,000.
    package var rangesPerPrincipal = 64
    /// Bounds the range answers under way of one client address, 1 to 100,000.
    package var rangesPerAddress = 64
    /// Bounds the header of a request, 1 KiB to 64 KiB: NIO's parser refuses a longer field itself.
    package var headerBytes = 32 << 10
    /// Bounds the target of a request, 256 bytes to 64 KiB.
    package var uriBytes = 8 << 10
    /// Bounds the filters of a request, 1 to 1,024.
    package var filters = 32
    /// Bounds the value of a filter, 16 bytes to 1 MiB.
    package var filterValueBytes = 4 << 10
    /// Bounds how long a range answer may search without finding an entry, 100 ms to 1 h.
    package var scan: Duration = .seconds(30)
    /// Bounds how long a range answer may wait for its client to take bytes, 100 ms to 1 h.
    package var rangeStall: Duration = .seconds(60)
    /// Bounds how long a follow may wait for its client to take bytes, 1 s to 24 h: such a client loses nothing, and only its connection
    /// is kept.
    package var followStall: Duration = .seconds(600)
    /// Bounds how long the header of a request may take to arrive, 100 ms to 10 min.
    package var headerRead: Duration = .seconds(10)
    /// Bounds how long a connection may lie between two requests, 100 ms to 24 h.
    package var idle: Duration = .seconds(60)
    /// Bounds how long a request waits for the authorizers, 100 ms to 60 s.
    package var authorization: Duration = .seconds(5)
    /// Sets the number of threads for calls into plugins, 1 to 1,024; 0 chooses by the processors there are.
    package var workerThreads = 0
    /// Bounds the calls that wait for one of these threads, 1 to 1,000,000.
    package var workerQueue = 1_024
    /// Bounds the value of one field of an entry, 1 KiB to 1 GiB.
    package var valueBytes = 64 << 20

    package init() {}
}

extension Limits {
    static let keys = [
        "connections", "followers", "followers_per_principal", "followers_per_address", "catch_ups", "ranges",
        "ranges_per_principal",
        "ranges_per_address", "header", "uri", "filters", "filter_value", "scan", "range_stall", "follow_stall", "header_read",
        "idle",
        "authorization", "worker_threads", "worker_queue", "value",
    ]

    /// Reads the mapping under `limits`; what it leaves out keeps its default. Throws the first mistake.
    init(_ reader: YAMLReader) throws(ConfigurationError) {
        self.init()
        let map = try reader.mapping("a mapping of limits", keys: Self.keys)
        try map.read("connections", into: &self.connections, in: 1...1_000_000)
        try map.read("followers", into: &self.followers, in: 1...1_000_000)
        try map.read("followers_per_principal", into: &self.followersPerPrincipal, in: 1...1_000_000)
        try map.read("followers_per_address", into: &self.followersPerAddress, in: 1...1_000_000)
        try map.read("catch_ups", into: &self.catchUps, in: 1...10_000)
        try map.read("ranges", into: &self.ranges, in: 1...100_000)
        try map.read("ranges_per_principal", into: &self.rangesPerPrincipal, in: 1...100_000)
        try map.read("ranges_per_address", into: &self.rangesPerAddress, in: 1...100_000)
        try map.read("header", intoBytes: &self.headerBytes, in: 1 << 10...64 << 10)
        try map.read("uri", intoBytes: &self.uriBytes, in: 256...64 << 10)
        try map.read("filters", into: &self.filters, in: 1...1_024)
        try map.read("filter_value", intoBytes: &self.filterValueBytes, in: 16...1 << 20)
        try map.read("scan", into: &self.scan, in: .milliseconds(100) ... .seconds(3600))
        try map.read("range_stall", into: &self.rangeStall, in: .milliseconds(100) ... .seconds(3600))
        try map.read("follow_stall", into: &self.followStall, in: .seconds(1) ... .seconds(86_400))
        try map.read("header_read", into: &self.headerRead, in: .milliseconds(100) ... .seconds(600))
        try map.read("idle", into: &self.idle, in: .milliseconds(100) ... .seconds(86_400))
        try map.read("authorization", into: &self.authorization, in: .milliseconds(100) ... .seconds(60))
        try map.read("worker_threads", into: &self.workerThreads, in: 0...1_024)
        try map.read("worker_queue", into: &self.workerQueue, in: 1...1_000_000)
        // A filter on a value that is cut would match in the log and not in the news.
        try map.read("value", intoBytes: &self.valueBytes, in: max(1 << 10, self.filterValueBytes)...1 << 30)
    }
}
