internal import PluginKit

/// The entries of one file that pass a filter, one after the other in either direction.
struct FileEntries {
    let file: MappedFile
    private let unpacker: Zstandard
    private var all: EntryList
    private var clauses: [[Value]]
    /// The entry that comes next, and where it stands; 0: none was found.
    private(set) var offset: UInt64 = 0
    private(set) var place: JournalCursor?
    /// The last entry there was in the direction of reading: what is written later lies behind it.
    private var last: UInt64 = 0
    private var direction: Query.Direction?
    /// The file's counts when no entry was left, as far as those have been looked at.
    private var countsAtEnd: UInt64?

    /// A value that a filter asks for.
    private struct Value {
        let text: [UInt8]
        /// Nil as long as no entry has it.
        var entries: EntryList?
        /// The values there were when it was looked for.
        var known: UInt64 = .max

        init(_ match: Match) { self.text = match.name + [UInt8(ascii: "=")] + match.value }
    }

    init(_ file: MappedFile, _ filter: Filter, _ unpacker: Zstandard) {
        self.file = file
        self.unpacker = unpacker
        self.all = EntryList(of: file)
        self.clauses = filter.clauses.map { $0.map { Value($0) } }
    }

    /// Forgets what was found: the position is another one.
    mutating func reset() {
        self.direction = nil
        self.offset = 0
        self.place = nil
        self.last = 0
        self.countsAtEnd = nil
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
        from position: Position, _ direction: Query.Direction, isCurrent: Bool
    ) throws(JournalDamage) -> Bool {
        if self.direction == direction {
            if self.offset == 0 {
                // Taken before looking: what comes meanwhile is looked for the next time.
                let counts = try self.counts
                if counts == self.countsAtEnd { return false }
                self.countsAtEnd = counts
                try self.stand(
                    on: self.last == 0
                        ? self.first(position, direction)
                        : self.nearest(beyond: self.last, direction), direction)
                if self.offset == 0, try self.all.isUnfinished { self.countsAtEnd = nil }
            } else if isCurrent {
                try self.stand(on: self.next(direction), direction)
            }
        } else {
            // The nearest one on the one side of the position: what comes next to it is the nearest on the other side.
            self.last = self.offset
            self.direction = direction
            self.countsAtEnd = nil
            if self.last != 0 {
                try self.stand(on: self.next(direction), direction)
            } else {
                try self.stand(on: self.first(position, direction), direction)
            }
        }
        // The same entry may be in several files; and where files differ in what they are ordered by, some lie on the wrong side.
        if case .entry(let current) = position {
            let side = direction == .forward ? 1 : -1
            while let place = self.place, place.compared(to: current) != side {
                try self.stand(on: self.next(direction), direction)
            }
        }
        return self.offset != 0
    }

    /// Stands on an entry, or on the first behind it that can be read: as libsystemd does, it passes over others.
    private mutating func stand(
        on offset: UInt64, _ direction: Query.Direction
    ) throws(JournalDamage) {
        self.offset = offset
        while self.offset != 0 {
            if let place = try? self.file.cursor(self.offset) {
                self.place = place
                self.last = self.offset
                return
            }
            self.offset = try self.next(direction)
        }
        self.place = nil
        if self.file.isOutgrown { throw JournalDamage() }
    }

    /// The sum of all counts that can grow: entries, values, and entries that have a value, which are counted later than all entries.
    private var counts: UInt64 {
        get throws(JournalDamage) {
            var sum = try self.all.count
            if self.clauses.isEmpty { return sum }
            sum &+= try self.file.dataCount
            for clause in self.clauses {
                for value in clause {
                    if let entries = value.entries { sum &+= try entries.count }
                }
            }
            return sum
        }
    }

    // MARK: Finding

    private mutating func next(_ direction: Query.Direction) throws(JournalDamage) -> UInt64 {
        if self.clauses.isEmpty { return try self.all.neighbour(direction) }
        return try self.nearest(beyond: self.offset, direction)
    }

    /// The first entry of this file in a direction, from a position.
    private mutating func first(
        _ position: Position, _ direction: Query.Direction
    ) throws(JournalDamage) -> UInt64 {
        switch position {
        case .head: return direction == .forward ? try self.nearest(0, direction) : 0
        case .tail: return direction == .backward ? try self.nearest(.max, direction) : 0
        case .time(let time):
            return try self.nearest(fromEntry: self.all.nearest(time, direction) { $0.realtime }, direction)
        case .place(let place), .entry(let place):
            if self.file.sequence == place.sequence {
                return try self.nearest(fromEntry: self.all.nearest(place.number, direction) { $0.number }, direction)
            }
            // By the clock of the boot, when this file has an entry of it there.
            if let data = try self.file.data(Array("_BOOT_ID=\(place.boot.text)".utf8), self.unpacker) {
                var ofBoot = EntryList(of: self.file, data: data)
                let offset = try ofBoot.nearest(place.monotonic, direction) { $0.monotonic }
                if offset != 0 { return try self.nearest(fromEntry: offset, direction) }
            }
            return try self.first(.time(place.realtime), direction)
        }
    }

    /// The nearest entry that passes, at an offset or beyond it; none from where there is no entry.
    private mutating func nearest(
        fromEntry offset: UInt64, _ direction: Query.Direction
    ) throws(JournalDamage) -> UInt64 {
        offset == 0 ? 0 : try self.nearest(offset, direction)
    }

    /// The nearest entry that passes, beyond an offset.
    private mutating func nearest(
        beyond offset: UInt64, _ direction: Query.Direction
    ) throws(JournalDamage) -> UInt64 {
        try self.nearest(direction == .forward ? offset &+ 1 : offset &- 1, direction)
    }

    /// The nearest entry that passes, at an offset or beyond it.
    private mutating func nearest(_ offset: UInt64, _ direction: Query.Direction) throws(JournalDamage) -> UInt64 {
        var offset = offset
        if self.clauses.isEmpty { return try self.all.nearest(offset, direction) }
        var agreed = 0
        var clause = 0
        // Round the clauses, each going on to its own nearest entry, until all stand on the same one.
        while agreed < self.clauses.count {
            let found = try self.nearest(clause: clause, offset, direction)
            if found == 0 { return 0 }
            agreed = found == offset ? agreed + 1 : 1
            offset = found
            clause = (clause + 1) % self.clauses.count
        }
        return offset
    }

    private mutating func nearest(
        clause: Int, _ offset: UInt64, _ direction: Query.Direction
    ) throws(JournalDamage) -> UInt64 {
        var nearest: UInt64 = 0
        var isSure = true
        repeat {
            let count = try self.all.count
            for index in self.clauses[clause].indices {
                let found = try self.nearest(clause, index, offset, direction)
                guard found != 0 else { continue }
                if nearest == 0 || (direction == .forward ? found < nearest : found > nearest) { nearest = found }
                if nearest == offset { return nearest }
            }
            // A value that was asked for first may have come with an earlier entry before another came with this one.
            let present = try self.all.count
            isSure = nearest == 0 || self.clauses[clause].count == 1 || present == count
        } while !isSure
        return nearest
    }

    /// The nearest entry that has a value.
    private mutating func nearest(
        _ clause: Int, _ index: Int, _ offset: UInt64, _ direction: Query.Direction
    ) throws(JournalDamage) -> UInt64 {
        if self.clauses[clause][index].entries == nil {
            let known = try self.file.dataCount
            guard known != self.clauses[clause][index].known else { return 0 }
            self.clauses[clause][index].known = known
            guard let data = try self.file.data(self.clauses[clause][index].text, self.unpacker) else { return 0 }
            self.clauses[clause][index].entries = EntryList(of: self.file, data: data)
        }
        return try self.clauses[clause][index].entries?.nearest(offset, direction) ?? 0
    }
}
