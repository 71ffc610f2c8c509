internal import Glibc
internal import PluginKit

/// One open journal: a filter, a position between or on entries, and what the entry there holds.
///
/// It may be used from different threads as long as it is one at a time; whoever has taken the handle from the pool is that one.
protocol JournalHandle: AnyObject {
    /// Takes in files that have come, so that no later entry of those it has is read before their first ones. While one is just being made
    /// it waits for that, for milliseconds.
    func takeInFiles()
    /// True when a file has come since it took some in, of which an entry belongs before the one stood on.
    var hasPassedOver: Bool { get }
    /// True when other files are there than this handle has, as of when it last took some in.
    var isOutdated: Bool { get throws }
    /// Bounds what a compressed field may become when it is unpacked, with its name.
    func limitFields(_ bytes: Int)
    /// Gives memory back when much of the journal has come into this process. False when only closing the handle does that: more bytes of
    /// fields were read with it than `budget`.
    func saveMemory(_ budget: Int) -> Bool

    /// Sets an AND of ORs; only entries that pass are seen from here on.
    func setFilter(_ filter: Filter) throws

    func seekHead() throws
    func seekTail() throws
    func seek(realtime: UInt64) throws
    func seek(_ cursor: JournalCursor) throws
    func isAt(_ cursor: JournalCursor) throws -> Bool
    /// Moves to the next entry; false at the end.
    func next() throws -> Bool
    func previous() throws -> Bool
    /// Moves over at most as many entries as an `Int32` counts; returns how many there were.
    func skip(_ count: Int32, _ direction: Query.Direction) throws -> Int32

    /// Lends the current entry's cursor.
    func withCursor<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result
    /// Microseconds since the epoch.
    func realtime() throws -> UInt64
    /// Microseconds since the boot.
    func monotonic() throws -> UInt64
    /// Calls `body` with each field as `NAME=value`, until it has seen all.
    func forEachField(_ body: (UnsafeRawBufferPointer) -> Void) throws
    /// Calls `body` with the first field of a name, if there is one. The name is NUL-terminated.
    func field(_ name: [CChar], _ body: (UnsafeRawBufferPointer) -> Void) throws
}

extension JournalHandle {
    /// The current entry's cursor.
    func cursor() throws -> JournalCursor {
        unsafe try self.withCursor { unsafe try JournalCursor(Array($0)) }
    }

    /// Bounds the same by the value: its name and `=` come on top.
    func limitValues(_ bytes: Int) { self.limitFields(min(bytes, 1 << 40) + 65) }

    /// True when there is an entry that passes the filter. Moves.
    var hasEntries: Bool {
        get throws {
            try self.seekHead()
            return try self.next()
        }
    }

    /// Moves over entries; returns how many there were. Nothing can interrupt it, and it lasts 10 s at most.
    func skip(_ count: UInt64, _ direction: Query.Direction) throws -> UInt64 {
        var moved: UInt64 = 0
        let deadline = ContinuousClock.now + .seconds(10)
        while moved < count {
            guard ContinuousClock.now < deadline else {
                throw PluginError(.limit, "The skip leads over more entries than can be stepped over in time.")
            }
            let step = Int32(min(count - moved, 1 << 14))
            let result = try self.skip(step, direction)
            moved += UInt64(result)
            if result < step { break }
        }
        return moved
    }

    /// True when the current entry passes a filter, whatever is set. Reads its fields.
    func isPassed(by filter: Filter) throws -> Bool {
        self.limitValues((filter.clauses.joined().map(\.value.count).max() ?? 0) + 1)
        var open = filter.clauses.map { clause in clause.map { $0.name + [UInt8(ascii: "=")] + $0.value } }
        unsafe try self.forEachField { field in
            open.removeAll { clause in clause.contains { unsafe field.elementsEqual($0) } }
        }
        return open.isEmpty
    }
}
