internal import NIOCore

/// What one look at a log has brought one feed.
enum Block: Sendable {
    case entries(EntryBlock)
    case gap(GapBlock)
    /// An entry too large for the ring, or one that could not be encoded: each follower reads it for itself.
    case elsewhere
}

/// Entries with their encoded bytes, shared by all who follow the feed. Immutable, but for what the ring counts.
// `storage` is the ring's, under the tail's lock.
final class EntryBlock: @unchecked Sendable {
    /// The bytes of all entries in a row.
    let bytes: ByteBuffer
    /// Where each entry's bytes end.
    let ends: [Int]
    /// Which entries of the batch these are; nil = all of it from the first on.
    private let members: [Int]?
    private let batch: ReadEntries
    let lastCursor: [UInt8]
    let readAt: NIODeadline
    let storage: BlockStorage

    init(bytes: ByteBuffer, ends: [Int], members: [Int]?, batch: ReadEntries, storage: BlockStorage) {
        self.bytes = bytes
        self.ends = ends
        self.members = members
        self.batch = batch
        self.lastCursor = Array(batch.cursor(members?.last ?? ends.count - 1))
        self.readAt = batch.readAt
        self.storage = storage
    }

    var count: Int { self.ends.count }

    /// About what it takes besides the shared storage.
    var overhead: Int { 256 + 8 * (self.ends.count + (self.members?.count ?? 0)) + self.lastCursor.count }

    func cursor(_ index: Int) -> ArraySlice<UInt8> { self.batch.cursor(self.members?[index] ?? index) }

    /// True for the newline of a line given without it, which is no entry and has its cursor.
    func isNewline(_ index: Int) -> Bool { self.batch.isNewline(self.members?[index] ?? index) }

    /// How many are entries.
    var entryCount: Int {
        self.batch.hasNewlines ? (0..<self.count).count { !self.isNewline($0) } : self.count
    }

    /// Microseconds since the epoch; 0 = has none.
    func time(_ index: Int) -> UInt64 { self.batch.times[self.members?[index] ?? index] }

    /// One entry's bytes.
    func bytes(_ index: Int) -> ByteBuffer {
        let start = index == 0 ? 0 : self.ends[index - 1]
        return self.bytes.getSlice(at: self.bytes.readerIndex + start, length: self.ends[index] - start) ?? ByteBuffer()
    }
}

/// What followers may have to know of a batch's entries after its memory has gone back to the source.
struct ReadEntries: Sendable {
    private(set) var times: [UInt64] = []
    private var cursors: [UInt8] = []
    private var cursorEnds: [Int] = []
    /// Their indices: there are few.
    private var newlines: Set<Int> = []
    let readAt = NIODeadline.now()

    mutating func append(cursor: some Collection<UInt8>, time: UInt64, isNewline: Bool) {
        if isNewline { self.newlines.insert(self.times.count) }
        self.cursors.append(contentsOf: cursor)
        self.cursorEnds.append(self.cursors.count)
        self.times.append(time)
    }

    func cursor(_ index: Int) -> ArraySlice<UInt8> {
        self.cursors[(index == 0 ? 0 : self.cursorEnds[index - 1])..<self.cursorEnds[index]]
    }

    func isNewline(_ index: Int) -> Bool { !self.newlines.isEmpty && self.newlines.contains(index) }

    var hasNewlines: Bool { !self.newlines.isEmpty }

    var byteCount: Int { self.cursors.count + 16 * self.times.count + 32 * self.newlines.count }
}

/// Memory that blocks share, counted once while any of them is in the ring.
final class BlockStorage {
    let byteCount: Int
    /// Blocks in the ring that use it.
    var users = 0

    init(byteCount: Int) {
        self.byteCount = byteCount
    }
}

/// Entries that are missing.
final class GapBlock: Sendable {
    let event: GapEvent
    /// The encoded event; nil when the format has none.
    let bytes: ByteBuffer?

    init(_ event: GapEvent, bytes: ByteBuffer?) {
        self.event = event
        self.bytes = bytes
    }
}
