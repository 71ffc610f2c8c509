internal import Glibc
internal import Synchronization

/// The time in the one form that HTTP writes it in (RFC 9110, 5.6.7), made once per second.
enum HTTPDate {
    private struct Cache {
        var second: time_t = -1
        var text = ""
    }

    private static let cache = Mutex(Cache())
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static var now: String {
        let second = time(nil)
        return self.cache.withLock { cache in
            if cache.second != second { cache = Cache(second: second, text: self.text(second)) }
            return cache.text
        }
    }

    static func text(_ second: time_t) -> String {
        var second = second
        var date = unsafe tm()
        unsafe gmtime_r(&second, &date)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day =
            unsafe "\(self.days[Int(date.tm_wday)]), \(two(date.tm_mday)) \(self.months[Int(date.tm_mon)]) \(date.tm_year + 1900)"
        return unsafe "\(day) \(two(date.tm_hour)):\(two(date.tm_min)):\(two(date.tm_sec)) GMT"
    }
}
