internal import PluginKit

/// The entries of one file that pass a filter, one after the other in either direction.
struct FileEntries {
    let file: MappedFile
    private var all: EntryList
    private var clauses: [[Value]]
    /// The entry that comes next, and where it stands; 0: none was found.
    private(set) var offset: UInt64 = 0
    private(set) var place: JournalCursor?
    /// The last entry there was in the direction of reading: what is written later lies behind it.
    private var last: UInt64 = 0
    private var direction: Query.Direction?
    /// How much there was when no entry was left, as far as that has been looked at.
    private var sizeAtEnd: UInt64?

    /// A value that a filter asks for.
    private struct Value {
        let text: [UInt8]
        /// Nil as long as no entry has it.
        var entries: EntryList?
        /// The values there were when it was looked for.
        var known: UInt64 = .max

        init(_ match: Match) { self.text = match.name + [UInt8(ascii: "=")] + match.value }
    }

    init(_ file: MappedFile, _ filter: Filter) {
        self.file = file
        self.all = EntryList(of: file)
        self.clauses = filter.clauses.map { $0.map { Value($0) } }
    }

    /// Forgets what was found: the position is another one.
    mutating func reset() {
        self.direction = nil
        self.offset = 0
        self.place = nil
        self.last = 0
        self.sizeAtEnd = nil
    }

    /// Where reading is, over all files.
    enum Position {
        case head
        case tail
        case time(UInt64)
        /// A cursor's place, whether there is such an entry or not.
        case place(JournalCursor)
        /// On an entry.
        case entry(JournalCursor)
    }

    /// Finds the nearest entry behind a position. False when there is none (yet).
    mutating func seek(
        from position: Position, _ direction: Query.Direction, isCurrent: Bool, _ unpacker: Zstandard
    ) throws(JournalDamage) -> Bool {
        if self.direction == direction {
            if self.offset == 0 {
                // Taken before looking: what comes meanwhile is looked for the next time.
                let size = try self.size
                if size == self.sizeAtEnd { return false }
                self.sizeAtEnd = size
                try self.stand(
                    on: self.last == 0
                        ? self.first(position, direction, unpacker)
                        : self.nearest(self.last, beyond: true, direction, unpacker))
            } else if isCurrent {
                try self.stand(on: self.next(direction, unpacker))
            }
        } else {
            // The nearest one on the one side of the position: what comes next to it is the nearest on the other side.
            self.last = self.direction == nil ? 0 : self.offset
            self.direction = direction
            self.sizeAtEnd = nil
            if self.last != 0 {
                try self.stand(on: self.next(direction, unpacker))
            } else {
                try self.stand(on: self.first(position, direction, unpacker))
            }
        }
        // The same entry may be in several files; and where files differ in what they are ordered by, some lie on the wrong side.
        if case .entry(let current) = position {
            let side = direction == .forward ? 1 : -1
            while let place = self.place, place.compared(to: current) != side {
                try self.stand(on: self.next(direction, unpacker))
            }
        }
        return self.offset != 0
    }

    private mutating func stand(on offset: UInt64) throws(JournalDamage) {
        self.offset = offset
        self.place = offset == 0 ? nil : try self.file.cursor(offset)
        if offset != 0 { self.last = offset }
    }

    /// Grows with whatever comes: entries, values, and entries that have them, of which all learn later than the file itself.
    private var size: UInt64 {
        get throws(JournalDamage) {
            var size = try self.all.count
            if self.clauses.isEmpty { return size }
            size &+= try self.file.dataCount
            for clause in self.clauses {
                for value in clause {
                    if let entries = value.entries { size &+= try entries.count }
                }
            }
            return size
        }
    }

    // MARK: Finding

    private mutating func next(_ direction: Query.Direction, _ unpacker: Zstandard) throws(JournalDamage) -> UInt64 {
        if self.clauses.isEmpty { return try self.all.neighbour(direction) }
        return try self.nearest(self.offset, beyond: true, direction, unpacker)
    }

    /// The first entry of this file in a direction, from a position.
    private mutating func first(
        _ position: Position, _ direction: Query.Direction, _ unpacker: Zstandard
    ) throws(JournalDamage) -> UInt64 {
        switch position {
        case .head: return direction == .forward ? try self.nearest(0, beyond: false, direction, unpacker) : 0
        case .tail: return direction == .backward ? try self.nearest(.max, beyond: false, direction, unpacker) : 0
        case .time(let time):
            return try self.nearest(direction, unpacker) { (file, offset) throws(JournalDamage) in
                let own = try file.cursor(offset).realtime
                return own == time ? 0 : own < time ? -1 : 1
            }
        case .place(let place), .entry(let place):
            if self.file.sequence == place.sequence {
                return try self.nearest(direction, unpacker) { (file, offset) throws(JournalDamage) in
                    let own = try file.cursor(offset).number
                    return own == place.number ? 0 : own < place.number ? -1 : 1
                }
            }
            if let offset = try self.nearest(place.boot, place.monotonic, direction, unpacker), offset != 0 { return offset }
            return try self.first(.time(place.realtime), direction, unpacker)
        }
    }

    /// By the clock of a boot; nil when this file has no entry of that boot.
    private mutating func nearest(
        _ boot: ID128, _ monotonic: UInt64, _ direction: Query.Direction, _ unpacker: Zstandard
    ) throws(JournalDamage) -> UInt64? {
        guard let data = try self.file.data(Array("_BOOT_ID=\(boot.text)".utf8), unpacker) else { return nil }
        var list = EntryList(of: self.file, data: data)
        let file = self.file
        let count = try list.count
        let found = try list.find { (offset) throws(JournalDamage) in
            let own = try file.cursor(offset).monotonic
            return direction == .forward ? own >= monotonic : own > monotonic
        }
        switch direction {
        case .forward:
            guard found < count else { return 0 }
            return try self.nearest(list.entry(found), beyond: false, direction, unpacker)
        case .backward:
            guard found > 0 else { return 0 }
            return try self.nearest(list.entry(found - 1), beyond: false, direction, unpacker)
        }
    }

    /// By an order that the file's entries have; `compare` says on which side of what is looked for an entry lies.
    private mutating func nearest(
        _ direction: Query.Direction, _ unpacker: Zstandard,
        _ compare: (MappedFile, _ offset: UInt64) throws(JournalDamage) -> Int
    ) throws(JournalDamage) -> UInt64 {
        let file = self.file
        let count = try self.all.count
        let found = try self.all.find { (offset) throws(JournalDamage) in
            let side = try compare(file, offset)
            return direction == .forward ? side >= 0 : side > 0
        }
        switch direction {
        case .forward:
            guard found < count else { return 0 }
            return try self.nearest(self.all.entry(found), beyond: false, direction, unpacker)
        case .backward:
            guard found > 0 else { return 0 }
            return try self.nearest(self.all.entry(found - 1), beyond: false, direction, unpacker)
        }
    }

    /// The nearest entry that passes, at an offset or beyond it.
    private mutating func nearest(
        _ offset: UInt64, beyond: Bool, _ direction: Query.Direction, _ unpacker: Zstandard
    ) throws(JournalDamage) -> UInt64 {
        var offset = offset
        if beyond { offset = direction == .forward ? offset + 1 : offset - 1 }
        if self.clauses.isEmpty { return try self.all.nearest(offset, direction) }
        var agreed = 0
        var clause = 0
        // Round the clauses, each going on to its own nearest entry, until all stand on the same one.
        while agreed < self.clauses.count {
            let found = try self.nearest(clause: clause, offset, direction, unpacker)
            if found == 0 { return 0 }
            agreed = found == offset ? agreed + 1 : 1
            offset = found
            clause = (clause + 1) % self.clauses.count
        }
        return offset
    }

    private mutating func nearest(
        clause: Int, _ offset: UInt64, _ direction: Query.Direction, _ unpacker: Zstandard
    ) throws(JournalDamage) -> UInt64 {
        var nearest: UInt64 = 0
        for index in self.clauses[clause].indices {
            if self.clauses[clause][index].entries == nil {
                let known = try self.file.dataCount
                guard known != self.clauses[clause][index].known else { continue }
                self.clauses[clause][index].known = known
                guard let data = try self.file.data(self.clauses[clause][index].text, unpacker) else { continue }
                self.clauses[clause][index].entries = EntryList(of: self.file, data: data)
            }
            guard let found = try self.clauses[clause][index].entries?.nearest(offset, direction), found != 0 else { continue }
            if nearest == 0 || (direction == .forward ? found < nearest : found > nearest) { nearest = found }
            if nearest == offset { break }
        }
        return nearest
    }
}
