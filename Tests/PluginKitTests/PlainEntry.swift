import PluginKit

/// An entry as a test writes it down: what goes into a `BatchBuilder` and what comes out again.
struct PlainEntry: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        var name: [UInt8]
        var value: [UInt8]
    }

    var fields: [Field] = []
    var cursor: [UInt8] = []
    var realtime: UInt64 = 0
    var monotonic: UInt64 = 0
    var flags: UInt32 = 0

    init(_ fields: [(String, String)] = [], cursor: String = "") {
        self.fields = fields.map { Field(name: Array($0.0.utf8), value: Array($0.1.utf8)) }
        self.cursor = Array(cursor.utf8)
    }

    init(_ entry: borrowing Entry) {
        for index in 0..<entry.fieldCount {
            self.fields.append(Field(name: copy(entry.name(index)), value: copy(entry.value(index))))
        }
        self.cursor = copy(entry.cursor)
        self.realtime = entry.realtimeMicroseconds
        self.monotonic = entry.monotonicMicroseconds
        self.flags = entry.flags.rawValue
    }
}

private func copy(_ span: RawSpan) -> [UInt8] {
    unsafe span.withUnsafeBytes { unsafe Array($0) }
}

extension BatchBuilder {
    mutating func append(_ name: [UInt8], _ value: [UInt8]) {
        unsafe self.append(name: name.span.bytes, value: value.span.bytes)
    }

    mutating func append(_ name: String, _ value: String) {
        self.append(Array(name.utf8), Array(value.utf8))
    }

    mutating func append(_ entry: PlainEntry) {
        for field in entry.fields { self.append(field.name, field.value) }
        self.end(entry)
    }

    mutating func end(_ entry: PlainEntry) {
        unsafe self.endEntry(
            cursor: entry.cursor.span.bytes, realtimeMicroseconds: entry.realtime, monotonicMicroseconds: entry.monotonic,
            flags: EntryFlags(rawValue: entry.flags))
    }

    /// Everything in it, which it then forgets.
    mutating func drained() -> [PlainEntry] {
        var entries: [PlainEntry] = []
        self.drain { entries.append(PlainEntry($0)) }
        return entries
    }
}
