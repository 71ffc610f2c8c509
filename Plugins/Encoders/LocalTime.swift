internal import Glibc
internal import PluginKit

/// Formats seconds as local time, asking the C library for the zone's offset once per minute of log time.
struct LocalTime {
    // Every zone's offset changes on a full minute; not on a quarter of an hour: St. John's did at 00:01 until 2011.
    private static let minute: UInt64 = 60

    private var knownMinute = UInt64.max
    private var offset = 0
    private var formattedSecond = UInt64.max
    private var formatted = InlineArray<19, UInt8>(repeating: 0x30)

    /// Writes `YYYY-MM-DD HH:MM:SS`.
    mutating func append(secondsSinceEpoch seconds: UInt64, to sink: inout Sink) {
        if seconds != self.formattedSecond {
            // Beyond the year 9999 the format has no room.
            self.format(min(seconds, 253_402_214_400))
            self.formattedSecond = seconds
        }
        unsafe sink.append(self.formatted.span.bytes)
    }

    private mutating func format(_ seconds: UInt64) {
        if seconds / Self.minute != self.knownMinute {
            var time = time_t(seconds)
            var local = unsafe tm()
            unsafe localtime_r(&time, &local)
            self.offset = unsafe local.tm_gmtoff
            self.knownMinute = seconds / Self.minute
        }
        let local = Int(seconds) + self.offset
        let (day, second) = Self.floorDivide(local, 86_400)
        let (year, month, dayOfMonth) = Self.civil(day)
        self.digits(year, 4, at: 0)
        self.formatted[4] = UInt8(ascii: "-")
        self.digits(month, 2, at: 5)
        self.formatted[7] = UInt8(ascii: "-")
        self.digits(dayOfMonth, 2, at: 8)
        self.formatted[10] = UInt8(ascii: " ")
        self.digits(second / 3600, 2, at: 11)
        self.formatted[13] = UInt8(ascii: ":")
        self.digits(second / 60 % 60, 2, at: 14)
        self.formatted[16] = UInt8(ascii: ":")
        self.digits(second % 60, 2, at: 17)
    }

    private mutating func digits(_ number: Int, _ count: Int, at place: Int) {
        var rest = number
        for index in (place..<place + count).reversed() {
            self.formatted[index] = UInt8(truncatingIfNeeded: rest % 10) | 0x30
            rest /= 10
        }
    }

    private static func floorDivide(_ value: Int, _ divisor: Int) -> (Int, Int) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01, by counting years from 1 March of year 0.
    private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let (era, dayOfEra) = Self.floorDivide(shifted, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
