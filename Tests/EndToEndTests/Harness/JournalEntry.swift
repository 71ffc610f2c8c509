/// An entry as the tests write it.
struct JournalEntry: Sendable {
    /// Microseconds since the epoch.
    var realtime: UInt64
    var monotonic: UInt64
    var boot = "11111111111111111111111111111111"
    var fields: [(name: String, value: [UInt8])]

    /// An entry that comes after the one with the number before; `N` is its number.
    init(_ number: Int, message: String? = nil, _ more: [(String, [UInt8])] = []) {
        self.realtime = 1_700_000_000_000_000 + UInt64(number) * 1000
        self.monotonic = 1_000_000 + UInt64(number) * 1000
        self.fields = [("MESSAGE", Array((message ?? "line \(number)").utf8)), ("N", Array("\(number)".utf8))]
        self.fields += more.map { (name: $0.0, value: $0.1) }
    }

    /// The journal export format; values that are not plain lines of text go with their length.
    var exported: [UInt8] {
        var bytes = Array(
            "__REALTIME_TIMESTAMP=\(self.realtime)\n__MONOTONIC_TIMESTAMP=\(self.monotonic)\n_BOOT_ID=\(self.boot)\n".utf8)
        for (name, value) in self.fields {
            bytes += name.utf8
            if value.count < 1000, !value.contains(where: { $0 < 0x20 || $0 >= 0x7f }) {
                bytes += "=".utf8
            } else {
                bytes += "\n".utf8
                bytes += (0..<8).map { UInt8(truncatingIfNeeded: value.count >> ($0 * 8)) }
            }
            bytes += value
            bytes += "\n".utf8
        }
        bytes += "\n".utf8
        return bytes
    }
}
