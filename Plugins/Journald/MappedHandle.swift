internal import PluginKit

/// A journal read where it lies, in the mapped files that all handles share: nothing is opened for it, and nothing copied.
@safe
final class MappedHandle: JournalHandle {
    private(set) var files: JournalFiles
    private let journal: MappedJournal
    private var filter = Filter()
    private var entries: [FileEntries]
    private var position = FileEntries.Position.head
    /// The file of the entry stood on, and where it lies there.
    private var current: (file: MappedFile, offset: UInt64)?
    private var isDamaged = false
    private(set) var isOutdated = false
    /// All there were when it last looked for files to take in.
    private var present: JournalFiles?
    private var fieldBytes = Int.max
    private let unpacker = Zstandard()

    init(_ files: JournalFiles, of journal: MappedJournal) {
        self.files = files
        self.journal = journal
        self.entries = []
        self.makeEntries()
    }

    deinit {
        self.files.releaseIfNeeded()
    }

    func takeInFiles() {
        let present = self.journal.settled()
        self.present = present
        defer { self.isOutdated = present !== self.files }
        guard let present, present !== self.files else { return }
        let added = present.files.filter { file in !self.files.files.contains { $0 === file } }
        // Where something has come and gone in between, only who has read all there was can tell what is missing.
        guard !added.isEmpty, self.files.goOn(with: added) else { return }
        // Those that have gone are still read to their end.
        let areAllThere = self.files.files.count + added.count == present.files.count
        self.files = areAllThere ? present : self.files.adding(added)
        self.makeEntries()
    }

    var hasPassedOver: Bool {
        guard case .entry(let place) = self.position, let now = self.journal.settled(), now !== self.present else { return false }
        return now.files.contains { file in
            file.begins(before: place) && !(self.present?.files.contains { $0 === file } ?? false)
        }
    }

    func limitFields(_ bytes: Int) { self.fieldBytes = bytes }

    func saveMemory(_ budget: Int) -> Bool {
        self.files.releaseIfNeeded()
        return true
    }

    func setFilter(_ filter: Filter) throws {
        for match in filter.clauses.joined() where !isFieldName(match.name) {
            throw PluginError(.invalid, "A filter names no legal journal field.")
        }
        guard filter != self.filter else { return }
        self.filter = filter
        self.makeEntries()
    }

    private func makeEntries() {
        self.entries = self.files.files.map { FileEntries($0, self.filter, self.unpacker) }
    }

    // MARK: Position

    private func seek(to position: FileEntries.Position) {
        self.position = position
        self.current = nil
        for index in self.entries.indices { self.entries[index].reset() }
    }

    func seekHead() { self.seek(to: .head) }
    func seekTail() { self.seek(to: .tail) }
    func seek(realtime: UInt64) { self.seek(to: .time(realtime)) }
    func seek(_ cursor: JournalCursor) { self.seek(to: .place(cursor)) }
    func isAt(_ cursor: JournalCursor) throws -> Bool { try self.place == cursor }

    func next() throws -> Bool { try self.move(.forward) }
    func previous() throws -> Bool { try self.move(.backward) }

    func skip(_ count: Int32, _ direction: Query.Direction) throws -> Int32 {
        var moved: Int32 = 0
        while moved < count, try self.move(direction) { moved += 1 }
        self.files.releaseIfNeeded()
        return moved
    }

    /// Moves to the nearest entry of all files. Stays where it is when there is none, or when it throws.
    private func move(_ direction: Query.Direction) throws(JournalDamage) -> Bool {
        guard !self.isDamaged else { throw JournalDamage() }
        // Until it is done some files have moved on, and others not.
        self.isDamaged = true
        var best: Int?
        var isSure = true
        repeat {
            let before = best
            for index in self.entries.indices where try self.seek(index, direction, isAgain: !isSure) {
                guard let place = self.entries[index].place else { continue }
                if let best, let other = self.entries[best].place, place.compared(to: other) != (direction == .forward ? -1 : 1) {
                    continue
                }
                best = index
            }
            // A file that was asked first may have got an earlier entry before another got this one.
            isSure = best == before || direction == .backward
        } while !isSure
        self.isDamaged = false
        guard let best, let place = self.entries[best].place else { return false }
        self.position = .entry(place)
        self.current = (self.entries[best].file, self.entries[best].offset)
        return true
    }

    /// Finds a file's nearest entry. Again, only where there was none, and one may have come.
    private func seek(_ index: Int, _ direction: Query.Direction, isAgain: Bool) throws(JournalDamage) -> Bool {
        if isAgain, self.entries[index].offset != 0 { return false }
        return try self.entries[index].seek(
            from: self.position, direction, isCurrent: self.entries[index].file === self.current?.file)
    }

    // MARK: The current entry

    private var place: JournalCursor {
        get throws {
            guard case .entry(let place) = self.position else {
                throw PluginError(.internalFault, "The journal is not read at an entry.")
            }
            return place
        }
    }

    func withCursor<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let place = try self.place
        return try unsafe withUnsafeTemporaryAllocation(byteCount: JournalCursor.capacity, alignment: 8) { text in
            unsafe try body(UnsafeRawBufferPointer(rebasing: text[..<place.write(to: text)]))
        }
    }

    func cursor() throws -> JournalCursor { try self.place }
    func realtime() throws -> UInt64 { try self.place.realtime }
    func monotonic() throws -> UInt64 { try self.place.monotonic }

    func forEachField(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        try self.forEachData { (file, data) throws(JournalDamage) in
            unsafe body(try file.payload(data, self.unpacker, capacity: self.fieldBytes))
            return true
        }
    }

    func field(_ name: [CChar], _ body: (UnsafeRawBufferPointer) -> Void) throws {
        let length = name.count - 1
        try self.forEachData { (file, data) throws(JournalDamage) in
            let start = unsafe try file.payload(data, self.unpacker, capacity: length + 1)
            guard start.count > length, unsafe start[length] == UInt8(ascii: "="),
                unsafe start.starts(with: name.lazy.dropLast().map { UInt8(bitPattern: $0) })
            else { return true }
            unsafe body(try file.payload(data, self.unpacker, capacity: self.fieldBytes))
            return false
        }
    }

    /// No entry has more fields.
    private static let fieldCapacity: UInt64 = 65_536

    /// Calls `body` with each data object of the entry until it answers false, or until one is damaged: those before it are good. Throws when
    /// the entry has gone, because journald has deleted its file, and what was read of it may be nothing.
    private func forEachData(
        _ body: (_ file: MappedFile, _ data: UInt64) throws(JournalDamage) -> Bool
    ) throws(JournalDamage) {
        guard case .entry(let place) = self.position, let current = self.current else { throw JournalDamage() }
        let file = current.file
        let itemSize: UInt64 = file.isCompact ? 4 : 16
        let size = min(try file.size(of: .entry, at: current.offset), 64 + Self.fieldCapacity * itemSize)
        var item = current.offset + 64
        do {
            while item + itemSize <= current.offset + size {
                guard try body(file, file.reference(item)) else { break }
                item += itemSize
            }
        } catch {}
        guard try file.cursor(current.offset) == place else { throw JournalDamage() }
    }
}

/// True for what libsystemd takes as a field's name in a match.
private func isFieldName(_ name: [UInt8]) -> Bool {
    !name.isEmpty && !name.starts(with: [0x5F, 0x5F])
        && name.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
}
