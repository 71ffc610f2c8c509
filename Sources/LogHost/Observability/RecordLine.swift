internal import Glibc

/// One record of a log that machines read: a line of JSON (RFC 8259) with the time and what kind of event it is, and for the journal the
/// same as fields.
// By hand: at thousands of records per second the dictionaries of a general encoder would cost more than what they tell of.
struct RecordLine {
    private var bytes: [UInt8] = []
    /// Nil where only the line is wanted.
    private var fields: JournalRecord?

    /// Bytes of one value: no client decides how long a line is.
    private static let valueCapacity = 1_024

    init(event: StaticString, for output: LogOutput) {
        if case .journal = output { self.fields = JournalRecord(priority: 6) }
        self.bytes.reserveCapacity(512)
        self.bytes += #"{"time":""#.utf8
        UTCTime.append(microseconds: microseconds(CLOCK_REALTIME), to: &self.bytes)
        self.bytes.append(UInt8(ascii: "\""))
        self.append("event", "\(event)")
    }

    /// The line with its end.
    var ended: [UInt8] { self.bytes + Array("}\n".utf8) }

    /// The fields, with what `ended` gave as their message.
    func journalRecord(_ line: [UInt8]) -> JournalRecord {
        var record = self.fields ?? JournalRecord(priority: 6)
        record.append("MESSAGE", line.dropLast())
        return record
    }

    /// Adds a text; an empty one is left out.
    mutating func append(_ name: StaticString, _ value: String) {
        guard !value.isEmpty else { return }
        self.append(name)
        self.bytes.append(UInt8(ascii: "\""))
        let value = value.utf8.count <= Self.valueCapacity ? value : String(value.unicodeScalars.prefix(Self.valueCapacity / 4))
        self.fields?.append(own: "\(name)".utf8, value.utf8)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): self.bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7F: self.bytes += "\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8
            default: self.bytes.append(byte)
            }
        }
        self.bytes.append(UInt8(ascii: "\""))
    }

    mutating func append(_ name: StaticString, number: Int) {
        self.fields?.append(own: "\(name)".utf8, "\(number)".utf8)
        self.append(name)
        self.bytes += "\(number)".utf8
    }

    mutating func append(_ name: StaticString, _ value: Bool) {
        self.fields?.append(own: "\(name)".utf8, "\(value)".utf8)
        self.append(name)
        self.bytes += "\(value)".utf8
    }

    private mutating func append(_ name: StaticString) {
        self.bytes += ",\"".utf8
        unsafe self.bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        self.bytes += "\":".utf8
    }

}
