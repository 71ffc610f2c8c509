import Glibc
import PluginKit
internal import TestSupport
import Testing

/// Each zone has a process of its own, because `TZ` belongs to the whole process.
@Suite struct LocalTimeTests {
    static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
        "Pacific/Kiritimati", "Pacific/Apia", "Pacific/Marquesas", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Chatham",
        "<-03>3", "CET-1CEST,M3.5.0,M10.5.0/3",
    ]

    @Test(arguments: Self.zones) func `times are those of strftime, around every change of the clocks`(zone: String) async {
        await #expect(processExitsWith: .success) { [zone = zone as String] in
            unsafe setenv("TZ", zone, 1)
            tzset()
            // From 2012 on: there are no older journals.
            let changes = clockChanges(from: 1_325_376_000, to: 2_240_000_000)
            #expect(zone == "UTC" || changes.count > 2 || !zone.contains("Berlin") && !zone.contains("New_York"))
            var times: [Int] = []
            for change in changes {
                for distance in [-3601, -3600, -901, -900, -899, -1, 0, 1, 899, 900, 901, 3599, 3600] {
                    times.append(change + distance)
                }
            }
            times += [1, 59, 60, 86_399, 86_400, 951_782_399, 951_782_400, 1_709_164_800, 1_709_251_199]
            times += [2_147_483_646, 2_147_483_647, 2_147_483_648, 4_107_542_399, 4_107_542_400, 32_503_680_000, 253_402_214_399]
            var random = SeededInputs(state: 1)
            times += (0..<5_000).map { _ in Int.random(in: 1...2_240_000_000, using: &random) }
            times += (0..<1_000).map { _ in Int.random(in: 1...253_402_214_399, using: &random) }
            for order in [times, times.sorted(), times.sorted(by: >), times.shuffled(using: &random)] {
                try check(order)
            }
        }
    }

    @Test func `the first second is one, and the last day of the year 9999 the end of time`() throws {
        var entry = TestEntry([("MESSAGE", "x")])
        entry.realtime = 1
        #expect(text(try encoded([entry], "text")) == "\(localTime(0)): x\n")
        for realtime in [253_402_300_800_000_000, UInt64.max] {
            entry.realtime = realtime
            #expect(text(try encoded([entry], "text")).hasPrefix("9999-12-"))
        }
    }

    @Test func `where clocks once changed off the quarter of an hour, times are right too`() async {
        await #expect(processExitsWith: .success) {
            unsafe setenv("TZ", "America/St_Johns", 1)
            tzset()
            // At one minute past midnight, until 2011.
            let changes = clockChanges(from: 1_199_145_600, to: 1_325_376_000)
            #expect(!changes.isEmpty)
            try check(changes.flatMap { change in (-20...20).map { change + $0 * 60 } })
        }
    }
}

/// Compares one encoder's times, one after the other, with the C library's.
private func check(_ times: [Int]) throws {
    var run = try EncoderRun("text")
    var expected = ""
    for time in times {
        var entry = TestEntry([("MESSAGE", "x")])
        entry.realtime = UInt64(time) * 1_000_000 + 999_999
        try run.encode(entry) { 4_096 }
        expected += "\(localTime(time)): x\n"
    }
    let found = text(run.bytes)
    for (found, expected) in zip(found.split(separator: "\n"), expected.split(separator: "\n")) where found != expected {
        #expect(found == expected)
        return
    }
    #expect(found.utf8.count == expected.utf8.count)
}

/// The seconds at which the zone's offset changes.
private func clockChanges(from start: Int, to end: Int) -> [Int] {
    func offset(_ seconds: Int) -> Int {
        var time = time_t(seconds)
        var local = unsafe tm()
        unsafe localtime_r(&time, &local)
        return unsafe local.tm_gmtoff
    }
    var changes: [Int] = []
    for day in stride(from: start, to: end, by: 86_400) where offset(day) != offset(day + 86_400) {
        var (low, high) = (day, day + 86_400)
        while high - low > 1 {
            let middle = (low + high) / 2
            if offset(middle) == offset(day) { low = middle } else { high = middle }
        }
        changes.append(high)
    }
    return changes
}
