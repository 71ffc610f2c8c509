/// Reads sizes, durations and permissions as people write them, and writes them back.
enum Quantity {
    private static let sizeUnits: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1000), ("", 1),
    ]

    private static let timeUnits: [(name: String, nanoseconds: Int64)] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("", 1_000_000_000),
    ]

    /// Reads digits and a unit: KB, MB and GB count in thousands, KiB, MiB and GiB in 1024s, none means bytes. Nil for anything
    /// else, also for what does not fit.
    static func bytes(_ text: String) -> Int? {
        let (digits, unit) = Self.split(text)
        guard let count = Int(digits), let factor = Self.sizeUnits.first(where: { $0.name == unit })?.bytes else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    /// Reads a number with at most three decimals and one of the units h, m, s and ms; without a unit it counts seconds. Nil for
    /// anything else, also for what does not fit.
    static func duration(_ text: String) -> Duration? {
        let (digits, rest) = Self.split(text)
        var decimals: Substring = "0"
        var unit = rest
        if rest.hasPrefix(".") {
            (decimals, unit) = Self.split(rest.dropFirst())
        }
        guard let whole = Int64(digits), (1...3).contains(decimals.utf8.count),
            let fraction = Int64(decimals + "00".dropFirst(decimals.utf8.count - 1)),
            let scale = Self.timeUnits.first(where: { $0.name == unit })?.nanoseconds
        else { return nil }
        let (nanoseconds, overflow) = whole.multipliedReportingOverflow(by: scale)
        // At most 999 thousandths of an hour: no overflow.
        let (sum, carried) = nanoseconds.addingReportingOverflow(fraction * (scale / 1000))
        return overflow || carried ? nil : .nanoseconds(sum)
    }

    /// Reads three or four octal digits, the first of four a zero: there is no sticky or set-id socket.
    static func mode(_ text: String) -> UInt16? {
        let hasLength = text.utf8.count == 3 || (text.utf8.count == 4 && text.hasPrefix("0"))
        guard hasLength, text.utf8.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
        return UInt16(text, radix: 8)
    }

    /// Writes a size with the largest unit that leaves no remainder.
    static func text(bytes: Int) -> String {
        let unit = Self.sizeUnits.first { bytes != 0 && bytes.isMultiple(of: $0.bytes) } ?? ("", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }

    /// Writes a duration of whole milliseconds with the largest unit that leaves no remainder.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        guard attoseconds == 0 else { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
        let unit = [("h", 3600), ("m", 60)].first { seconds != 0 && seconds.isMultiple(of: $0.1) } ?? ("s", 1 as Int64)
        return "\(seconds / unit.1)\(unit.0)"
    }

    private static func split(_ text: some StringProtocol) -> (digits: Substring, rest: Substring) {
        let text = Substring(text)
        let end = text.utf8.firstIndex { !(0x30...0x39).contains($0) } ?? text.endIndex
        return (text[..<end], text[end...])
    }
}
