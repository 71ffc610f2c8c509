import PluginKit
internal import TestSupport

/// An entry as a test writes it down.
struct TestEntry: Sendable {
    var fields: [(name: [UInt8], value: [UInt8])]
    var cursor: [UInt8] = Array("s=1;i=2".utf8)
    var realtime: UInt64 = 1_700_000_000_123_456
    var monotonic: UInt64 = 42
    var flags: EntryFlags = []

    init(_ fields: [(String, [UInt8])]) {
        self.fields = fields.map { (Array($0.0.utf8), $0.1) }
    }

    init(_ fields: [(String, String)]) {
        self.init(fields.map { ($0.0, Array($0.1.utf8)) })
    }

    /// This entry with its last value given in pieces that end at these places.
    func pieces(cutAt places: [Int]) -> [TestEntry] {
        guard let last = self.fields.last else { return [self] }
        var pieces: [TestEntry] = []
        var start = 0
        for place in places + [last.value.count] {
            var piece = self
            piece.fields =
                (start == 0 && pieces.isEmpty ? self.fields.dropLast() : []) + [(last.name, Array(last.value[start..<place]))]
            piece.flags = pieces.isEmpty ? .continues : [.continues, .continued]
            piece.cursor = []
            pieces.append(piece)
            start = place
        }
        pieces[pieces.count - 1].cursor = self.cursor
        pieces[pieces.count - 1].flags.remove(.continues)
        pieces[pieces.count - 1].flags.formUnion(self.flags)
        return pieces
    }
}

extension BatchBuilder {
    mutating func append(_ entry: TestEntry) {
        for field in entry.fields { unsafe self.append(name: field.name.span.bytes, value: field.value.span.bytes) }
        unsafe self.endEntry(
            cursor: entry.cursor.span.bytes, realtimeMicroseconds: entry.realtime, monotonicMicroseconds: entry.monotonic,
            flags: entry.flags)
    }
}

extension EncodeOptions {
    init(ids: Bool = false, exact: Bool = false, lines: Bool = false) {
        self.init()
        self.ids = ids
        self.exactValues = exact
        self.lines = lines
    }
}

extension ReferenceJSON {
    static func object(_ entry: TestEntry, exact: Bool = false, lines: Bool = false) -> [UInt8] {
        self.object(
            entry.fields, cursor: entry.cursor, realtime: entry.realtime, monotonic: entry.monotonic, exact: exact, lines: lines)
    }
}
