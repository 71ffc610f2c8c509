/// The values of `since` and `until`: RFC 3339, `@unixseconds`, or a time before now such as `-15m`.
package enum TimeBound {
    private enum Failure: Error {
        case malformed
        /// Before 1970, or further away than 64 bits of microseconds reach.
        case outOfRange
    }

    private static let second: UInt64 = 1_000_000

    /// Answers microseconds since the epoch; what is finer is cut off. Throws a 400 naming the parameter.
    package static func parse(_ text: String, parameter: String, now: UInt64) throws(Problem) -> UInt64 {
        do throws(Failure) {
            // Nothing legal is longer, but a fraction could be as long as the whole request.
            guard text.utf8.count <= 64 else { throw Failure.malformed }
            var scanner = DigitScanner(Array(text.utf8))
            if scanner.take(anyOf: "@") != nil { return try self.unixTime(&scanner) }
            if scanner.take(anyOf: "-") != nil { return try self.before(now, &scanner) }
            return try self.calendarTime(&scanner)
        } catch {
            switch error {
            case .malformed:
                throw Problem(
                    400, "The parameter \(parameter) must be an RFC 3339 time, @seconds, or a negative duration such as -15m.",
                    parameter: parameter)
            case .outOfRange:
                throw Problem(
                    400, "The parameter \(parameter) is a time that cannot be represented: before 1970 or too far away.",
                    parameter: parameter)
            }
        }
    }

    private static func unixTime(_ scanner: inout DigitScanner) throws(Failure) -> UInt64 {
        guard let seconds = scanner.number(), let fraction = scanner.fraction(), scanner.isAtEnd else { throw Failure.malformed }
        return try self.add(self.multiply(seconds, by: self.second), fraction)
    }

    private static func before(_ now: UInt64, _ scanner: inout DigitScanner) throws(Failure) -> UInt64 {
        var distance: UInt64 = 0
        repeat {
            guard let count = scanner.number(), let unit = scanner.take(anyOf: "smhdw") else { throw Failure.malformed }
            let seconds: UInt64 =
                switch unit {
                case UInt8(ascii: "w"): 7 * 86_400
                case UInt8(ascii: "d"): 86_400
                case UInt8(ascii: "h"): 3_600
                case UInt8(ascii: "m"): 60
                default: 1
                }
            distance = try self.add(distance, self.multiply(count, by: seconds * self.second))
        } while !scanner.isAtEnd
        guard distance <= now else { throw Failure.outOfRange }
        return now - distance
    }

    private static func calendarTime(_ scanner: inout DigitScanner) throws(Failure) -> UInt64 {
        guard let year = scanner.number(digits: 4), scanner.take(anyOf: "-") != nil,
            let month = scanner.number(digits: 2), (1...12).contains(month), scanner.take(anyOf: "-") != nil,
            let day = scanner.number(digits: 2), (1...self.days(in: month, of: year)).contains(day),
            scanner.take(anyOf: "Tt ") != nil,
            let hour = scanner.number(digits: 2), hour < 24, scanner.take(anyOf: ":") != nil,
            let minute = scanner.number(digits: 2), minute < 60, scanner.take(anyOf: ":") != nil,
            // A leap second, which RFC 3339 allows at the end of an hour, is the next second here.
            let second = scanner.number(digits: 2), second < (minute == 59 ? 61 : 60),
            let fraction = scanner.fraction(), let offset = self.offset(&scanner), scanner.isAtEnd
        else { throw Failure.malformed }

        let time = self.daysSinceEpoch(year: year, month: month, day: day) * 86_400
        let seconds = time + hour * 3_600 + minute * 60 + second - offset
        guard let positive = UInt64(exactly: seconds) else { throw Failure.outOfRange }
        return try self.add(self.multiply(positive, by: self.second), fraction)
    }

    /// Reads `Z` or an offset in seconds. A plus that was not percent-encoded arrives as a space.
    private static func offset(_ scanner: inout DigitScanner) -> Int64? {
        if scanner.take(anyOf: "Zz") != nil { return 0 }
        guard let sign = scanner.take(anyOf: "+- "),
            let hours = scanner.number(digits: 2), hours < 24, scanner.take(anyOf: ":") != nil,
            let minutes = scanner.number(digits: 2), minutes < 60
        else { return nil }
        let seconds = hours * 3_600 + minutes * 60
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Counts days in the proleptic Gregorian calendar for the years 0 to 9999. The year is taken to begin in March, so that
    /// the leap day is its last.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year + 399 : year + 400  // 400 years on, so that division never sees a negative number
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let days = marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear
        return days - 719_468 - 146_097
    }

    private static func add(_ a: UInt64, _ b: UInt64) throws(Failure) -> UInt64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        guard !overflow else { throw Failure.outOfRange }
        return sum
    }

    private static func multiply(_ a: UInt64, by b: UInt64) throws(Failure) -> UInt64 {
        let (product, overflow) = a.multipliedReportingOverflow(by: b)
        guard !overflow else { throw Failure.outOfRange }
        return product
    }
}
