import LogHost
import PluginABI
import TestSupport
import Testing

@Suite struct FilterIndexTests {
    /// Against the definition of a filter, evaluated one by one.
    @Test func `whatever the filters and entries, the index finds those that pass`() throws {
        var random = SeededInputs(state: 7)
        for round in 0..<300 {
            let filters = (0..<Self.pick(40, &random)).map { _ in Self.filter(&random) }
            var index = FilterIndex()
            var added = 0
            for _ in 0..<20 {
                // Some come while others are in use.
                while added < filters.count, Self.pick(3, &random) > 0 {
                    #expect(index.add(filters[added]) == added)
                    added += 1
                }
                let fields = (0..<Self.pick(6, &random)).map { _ in (Self.name(&random), Self.value(&random)) }
                let flags = Self.pick(4, &random) == 0 ? LOGHOST_ENTRY_CONTINUES : 0
                unsafe withEntry(fields, flags: flags) { entry in
                    var found: [Int] = []
                    unsafe index.forEachPassed(by: entry) { found.append($0) }
                    let expected = (0..<added).filter { unsafe HostFilter(filter: filters[$0]).passes(entry) }
                    #expect(found.sorted() == expected, "round \(round): \(fields) flags \(flags)")
                }
            }
        }
    }

    private static func pick(_ count: Int, _ random: inout SeededInputs) -> Int { Int(random.next() % UInt64(count)) }

    private static func name(_ random: inout SeededInputs) -> String { ["A", "B", "C", "MESSAGE"][self.pick(4, &random)] }

    /// Some are long and differ in the middle only, where no hash looks.
    private static func value(_ random: inout SeededInputs) -> String {
        let value = ["", "1", "2", "3"][self.pick(4, &random)]
        let edge = String(repeating: "x", count: 100)
        return self.pick(3, &random) == 0 ? edge + value + "yyy".prefix(3 - value.utf8.count) + edge : value
    }

    private static func filter(_ random: inout SeededInputs) -> LogFilter {
        LogFilter(
            clauses: (0..<(1 + self.pick(3, &random))).map { _ in
                (0..<self.pick(4, &random)).map { _ in LogMatch(self.name(&random), self.value(&random)) }
            })
    }
}

/// Lends an entry with these fields.
private func withEntry(
    _ fields: [(String, String)], flags: Int, _ body: (UnsafePointer<loghost_entry>) -> Void
) {
    let texts = fields.flatMap { [Array($0.0.utf8), Array($0.1.utf8)] }
    let memory = unsafe texts.map { text in
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.count))
        _ = unsafe copy.initialize(from: text)
        return unsafe copy
    }
    defer { unsafe memory.forEach { unsafe $0.deallocate() } }
    let bytes = unsafe zip(memory, texts).map { unsafe loghost_bytes(data: UnsafePointer($0.baseAddress), size: $1.count) }
    let list = unsafe fields.indices.map { unsafe loghost_field(name: bytes[2 * $0], value: bytes[2 * $0 + 1]) }
    unsafe list.withUnsafeBufferPointer { list in
        var entry = unsafe loghost_entry(
            cursor: loghost_bytes(), realtime_microseconds: 0, monotonic_microseconds: 0, fields: list.baseAddress,
            field_count: UInt32(list.count), flags: UInt32(flags))
        unsafe body(&entry)
    }
}
