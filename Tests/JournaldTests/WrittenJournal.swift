internal import TestSupport

/// The entries the property tests read: of two boots, with repeated fields, equal times and bytes that are no text.
enum WrittenJournal {
    static let start: UInt64 = 1_700_000_000_000_000

    static func entries(_ count: Int, from first: Int = 0, start: UInt64 = Self.start, seed: UInt64 = 1) -> [WrittenEntry] {
        var random = SeededInputs(state: seed)
        var realtime = start
        return (first..<first + count).map { number in
            // Some share their microsecond.
            if Int.random(in: 0..<4, using: &random) > 0 { realtime += UInt64.random(in: 1...2_000_000, using: &random) }
            let boot = number < first + count / 2 ? 1 : 2
            var fields: [(name: String, value: [UInt8])] = [("N", Array("\(number)".utf8))]
            fields.append(("MESSAGE", random.bytes(.random(in: 0...200, using: &random))))
            fields.append(("PRIORITY", Array("\(number % 8)".utf8)))
            if number % 3 != 0 { fields.append(("_SYSTEMD_UNIT", Array("unit\(number % 5).service".utf8))) }
            if number % 4 == 0 { fields.append(("UNIT", Array("unit\(number % 3).service".utf8))) }
            if number % 7 == 0 {
                fields.append(("STREAM", Array("stdout".utf8)))
                fields.append(("STREAM", Array("stderr".utf8)))
            }
            if number % 50 == 49 { fields.append(("RARE", [0, 255, 10, 61])) }
            return WrittenEntry(
                realtime: realtime, monotonic: 1_000_000 + realtime - start, boot: boot, fields: fields)
        }
    }

    /// The same, a millisecond apart in one boot: entries of different files are compared by their monotonic times.
    static func ofOneBoot(_ count: Int) -> [WrittenEntry] {
        self.entries(count).enumerated().map { number, entry in
            var entry = entry
            entry.boot = 1
            entry.realtime = self.start + UInt64(number) * 1_000
            entry.monotonic = UInt64(number + 1) * 1_000
            return entry
        }
    }
}
