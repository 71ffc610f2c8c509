internal import Glibc

/// Times as the principals have them: `2027-01-01T00:00:00Z`.
enum UTCTime {
    /// Returns microseconds since the epoch; nil for what is no such time from 1970 on.
    static func microseconds(_ text: String) -> UInt64? {
        let bytes = Array(text.utf8)
        let form = Array("0000-00-00T00:00:00Z".utf8)
        guard bytes.count == form.count else { return nil }
        var numbers = [0]
        for (byte, expected) in zip(bytes, form) {
            if expected == UInt8(ascii: "0") {
                guard (0x30...0x39).contains(byte) else { return nil }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(byte - 0x30)
            } else {
                guard byte == expected else { return nil }
                numbers.append(0)
            }
        }
        let (year, month, day) = (numbers[0], numbers[1], numbers[2])
        guard year >= 1970, (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day), numbers[3] < 24,
            numbers[4] < 60, numbers[5] < 60
        else { return nil }
        let leapDays = (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400
        let before = (1..<month).reduce(0) { $0 + Self.days(in: $1, of: year) }
        let days = (year - 1970) * 365 + leapDays + before + day - 1
        return UInt64(((days * 24 + numbers[3]) * 60 + numbers[4]) * 60 + numbers[5]) * 1_000_000
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The time now, in microseconds since the epoch.
    static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(time.tv_sec, 0)) * 1_000_000 + UInt64(time.tv_nsec / 1000)
    }
}
