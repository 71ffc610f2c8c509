internal import Glibc
internal import PluginKit

/// A journal read where it lies, in the mapped files that all handles share: nothing is opened for it, and nothing copied.
@safe
final class MappedHandle: JournalHandle {
    let files: JournalFiles
    private let journal: MappedJournal
    private var filter = Filter()
    private var entries: [FileEntries]
    private var position = FileEntries.Position.head
    /// Which file the entry stood on is of, and where it lies there.
    private var current: (file: Int, offset: UInt64)?
    private var isDamaged = false
    private var valueCapacity = Int.max
    private let unpacker = Zstandard()
    private let text = UnsafeMutableRawBufferPointer.allocate(byteCount: JournalCursor.capacity, alignment: 8)

    init(_ files: JournalFiles, of journal: MappedJournal) {
        self.files = files
        self.journal = journal
        self.entries = files.files.map { FileEntries($0, Filter()) }
    }

    deinit {
        self.files.releaseIfNeeded()
        unsafe self.text.deallocate()
    }

    func refresh() -> JournalChange { self.journal.isCurrent(self.files) ? .appended : .invalidated }

    func limitValues(_ bytes: Int) { self.valueCapacity = min(bytes, 1 << 40) + 65 }

    /// Never: who has read much has the pages of all handles given back.
    func isWorn(_ budget: Int) -> Bool {
        self.files.releaseIfNeeded()
        return false
    }

    func setFilter(_ filter: Filter) throws {
        for match in filter.clauses.joined() where !isFieldName(match.name) {
            throw PluginError(.invalid, "A filter names no legal journal field.")
        }
        guard filter != self.filter else { return }
        self.filter = filter
        self.entries = self.files.files.map { FileEntries($0, filter) }
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
        return moved
    }

    /// Moves to the nearest entry of all files. Stays where it is when there is none, or when it throws.
    private func move(_ direction: Query.Direction) throws(JournalDamage) -> Bool {
        guard !self.isDamaged else { throw JournalDamage() }
        // Until it is done some files have moved on, and others not.
        self.isDamaged = true
        var best: (file: Int, place: JournalCursor)?
        let side = direction == .forward ? -1 : 1
        for index in self.entries.indices {
            guard
                try self.entries[index].seek(
                    from: self.position, direction, isCurrent: index == self.current?.file, self.unpacker),
                let place = self.entries[index].place
            else { continue }
            if let other = best?.place, place.compared(to: other) != side { continue }
            best = (index, place)
        }
        self.isDamaged = false
        guard let best else { return false }
        self.position = .entry(best.place)
        self.current = (best.file, self.entries[best.file].offset)
        return true
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
        let count = unsafe try self.place.write(to: self.text)
        return unsafe try body(UnsafeRawBufferPointer(rebasing: self.text[..<count]))
    }

    func cursor() throws -> JournalCursor { try self.place }
    func realtime() throws -> UInt64 { try self.place.realtime }
    func monotonic() throws -> UInt64 { try self.place.monotonic }

    func forEachField(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        // A damaged field ends the entry; the ones before it are good.
        unsafe try? self.forEachData { data in
            unsafe body(data)
            return true
        }
    }

    func field(_ name: [CChar], _ body: (UnsafeRawBufferPointer) -> Void) throws {
        let length = name.count - 1
        unsafe try? self.forEachData { data in
            guard data.count > length, unsafe data[length] == UInt8(ascii: "="),
                unsafe data.starts(with: name.lazy.dropLast().map { UInt8(bitPattern: $0) })
            else { return true }
            unsafe body(data)
            return false
        }
    }

    /// Calls `body` with each field until it answers false.
    private func forEachData(_ body: (UnsafeRawBufferPointer) -> Bool) throws(JournalDamage) {
        guard let current = self.current else { throw JournalDamage() }
        let file = self.entries[current.file].file
        let itemSize: UInt64 = file.isCompact ? 4 : 16
        let end = current.offset + (try file.size(of: .entry, at: current.offset))
        var item = current.offset + 64
        while item + itemSize <= end {
            let offset = file.isCompact ? try file.halfWord(item) : try file.word(item)
            let data = unsafe try file.payload(offset, self.unpacker, capacity: self.valueCapacity)
            guard unsafe body(data) else { return }
            item += itemSize
        }
    }
}

/// True for what libsystemd takes as a field's name in a match.
private func isFieldName(_ name: [UInt8]) -> Bool {
    !name.isEmpty && !name.starts(with: [0x5F, 0x5F])
        && name.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
}
