internal import Glibc

/// Times for people and for machines: RFC 3339 in UTC, with microseconds.
enum UTCTime {
    /// A time in microseconds since the epoch.
    static func text(microseconds: UInt64) -> String {
        var bytes: [UInt8] = []
        self.append(microseconds: microseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func append(microseconds: UInt64, to bytes: inout [UInt8]) {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func append(_ number: Int, _ digits: Int, _ after: Character) {
            let text = String(number)
            bytes += repeatElement(UInt8(ascii: "0"), count: max(0, digits - text.utf8.count))
            bytes += text.utf8
            bytes += after.utf8
        }
        unsafe append(Int(parts.tm_year) + 1900, 4, "-")
        unsafe append(Int(parts.tm_mon) + 1, 2, "-")
        unsafe append(Int(parts.tm_mday), 2, "T")
        unsafe append(Int(parts.tm_hour), 2, ":")
        unsafe append(Int(parts.tm_min), 2, ":")
        unsafe append(Int(parts.tm_sec), 2, ".")
        append(Int(microseconds % 1_000_000), 6, "Z")
    }
}
