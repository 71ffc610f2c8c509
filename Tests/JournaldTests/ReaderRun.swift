import Glibc
import PluginKit
import Testing

/// An entry as a reader gave it.
struct ReadEntry: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        var name: String
        var value: [UInt8]
    }

    var cursor = ""
    var realtime: UInt64
    var monotonic: UInt64
    var fields: [Field] = []

    init(_ entry: borrowing Entry) {
        self.realtime = entry.realtimeMicroseconds
        self.monotonic = entry.monotonicMicroseconds
        self.cursor = String(decoding: copy(entry.cursor), as: UTF8.self)
        for index in 0..<entry.fieldCount {
            self.fields.append(
                Field(name: String(decoding: copy(entry.name(index)), as: UTF8.self), value: copy(entry.value(index))))
        }
    }

    func values(_ name: String) -> [[UInt8]] {
        self.fields.filter { $0.name == name }.map(\.value)
    }

    /// The value of the field `N`, by which tests know their entries.
    var number: Int? { self.values("N").first.flatMap { Int(String(decoding: $0, as: UTF8.self)) } }
}

private func copy(_ span: RawSpan) -> [UInt8] {
    unsafe span.withUnsafeBytes { unsafe Array($0) }
}

/// A reader with its batch, read as the host does.
final class ReaderRun {
    let reader: any LogReader
    let skipped: UInt64
    private var batch = BatchBuilder()
    private(set) var gaps: [Gap] = []

    init(_ source: any LogSource, _ query: Query) throws {
        let opened = try source.open(topic: Array("journal".utf8), query: query, request: Request(route: 1), wake: .none)
        #expect(opened.applied == [.filter, .skip, .limit, .bounds, .direction])
        self.reader = opened.reader
        self.skipped = opened.skipped
    }

    /// Reads until there is nothing (more for now).
    func readAll(
        limits: ReadLimits = ReadLimits(entries: 1_000, bytes: 1 << 20), _ body: (ReadEntry) -> Void
    ) throws {
        while true {
            switch try self.reader.read(into: &self.batch, limits: limits) {
            case .batch:
                let count = self.batch.entryCount
                #expect(count <= limits.entries)
                self.batch.drain { body(ReadEntry($0)) }
            case .gap(let gap): self.gaps.append(gap)
            case .caughtUp, .end: return
            case .pending:
                Issue.record("the journal's readers have no news of their own")
                return
            }
        }
    }

    func readAll(limits: ReadLimits = ReadLimits(entries: 1_000, bytes: 1 << 20)) throws -> [ReadEntry] {
        var entries: [ReadEntry] = []
        try self.readAll(limits: limits) { entries.append($0) }
        return entries
    }

    /// Reads at most one batch.
    func read(entries: Int, bytes: Int = 1 << 20) throws -> [ReadEntry] {
        guard case .batch = try self.reader.read(into: &self.batch, limits: ReadLimits(entries: entries, bytes: bytes)) else {
            return []
        }
        var found: [ReadEntry] = []
        self.batch.drain { found.append(ReadEntry($0)) }
        return found
    }

    /// Reads on until there are so many entries, or for ten seconds.
    func read(until count: Int) throws -> [ReadEntry] {
        var entries: [ReadEntry] = []
        let deadline = ContinuousClock.now + .seconds(10)
        while entries.count < count, ContinuousClock.now < deadline {
            try self.readAll { entries.append($0) }
            usleep(5_000)
        }
        return entries
    }
}

func readAll(_ source: any LogSource, _ query: Query = Query()) throws -> [ReadEntry] {
    try ReaderRun(source, query).readAll()
}
