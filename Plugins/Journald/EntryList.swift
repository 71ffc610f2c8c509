internal import PluginKit

/// Offsets of entries in ascending order: all of a file's, or those that have one field's value.
///
/// They lie in a chain of arrays, of which each later one is larger; the first of a field's value lies in the value's own object.
struct EntryList {
    private let file: MappedFile
    /// Where the header or the value's object has their count, the first array, and the first entry (0: it has none of its own).
    private let countAt: UInt64
    private let arrayAt: UInt64
    private let firstAt: UInt64
    /// Where the last array is named, and behind it how many entries are in it; 0: nowhere.
    private let tailAt: UInt64
    private let itemSize: UInt64
    /// The array looked at last: where it is, the number of its first entry, for how many it has room.
    private var array: UInt64 = 0
    private var begin: UInt64 = 0
    private var capacity: UInt64 = 0
    /// How many there were.
    private var known: UInt64 = 0
    /// The number of the entry found last.
    private var index: UInt64 = 0

    /// All entries of a file.
    init(of file: MappedFile) {
        self.file = file
        self.countAt = 152
        self.arrayAt = 176
        self.firstAt = 0
        self.tailAt = file.headerSize >= 264 ? 256 : 0
        self.itemSize = file.isCompact ? 4 : 8
    }

    /// The entries that have a value, whose object has been checked.
    init(of file: MappedFile, data: UInt64) {
        self.file = file
        self.countAt = data + 56
        self.arrayAt = data + 48
        self.firstAt = data + 40
        self.tailAt = file.isCompact ? data + 64 : 0
        self.itemSize = file.isCompact ? 4 : 8
    }

    /// How many there are now.
    var count: UInt64 {
        get throws(JournalDamage) { try self.file.count(self.countAt) }
    }

    /// The same; never fewer than before, unless journald has overwritten a file that it deleted.
    private mutating func recount() throws(JournalDamage) -> UInt64 {
        let count = try self.count
        guard count >= self.known else { throw JournalDamage() }
        self.known = count
        return count
    }

    private var firsts: UInt64 { self.firstAt == 0 ? 0 : 1 }

    /// The offset of the entry with a number; 0 when it is not there (yet), or nothing that could be one.
    private mutating func entry(_ index: UInt64) throws(JournalDamage) -> UInt64 {
        if index < self.firsts {
            let offset = try self.file.word(self.firstAt)
            return self.file.mayHaveEntry(at: offset) ? offset : 0
        }
        return try self.reach(index) ? self.item(index - self.begin) : 0
    }

    /// Goes to the array that has room for an entry; false when the chain ends before it.
    private mutating func reach(_ index: UInt64) throws(JournalDamage) -> Bool {
        if self.array == 0 || index < self.begin {
            guard try self.enter(self.file.word(self.arrayAt), begin: self.firsts) else { return false }
        }
        while index - self.begin >= self.capacity {
            guard try self.enterNext() else { return false }
        }
        return true
    }

    @inline(__always)
    private func item(_ number: UInt64) throws(JournalDamage) -> UInt64 {
        let place = self.array + 24 + number &* self.itemSize
        let offset = try self.file.reference(place)
        return self.file.mayHaveEntry(at: offset) ? offset : 0
    }

    private mutating func enter(_ array: UInt64, begin: UInt64) throws(JournalDamage) -> Bool {
        guard array != 0 else { return false }
        let size = try self.file.size(of: .entryArray, at: array)
        guard size >= 24 + self.itemSize else { throw JournalDamage() }
        self.array = array
        self.begin = begin
        self.capacity = (size - 24) / self.itemSize
        return true
    }

    private mutating func enterNext() throws(JournalDamage) -> Bool {
        let next = try self.file.word(self.array + 16)
        // Arrays are appended to the file: a chain that leads back would have no end.
        guard next == 0 || next > self.array else { throw JournalDamage() }
        return try self.enter(next, begin: self.begin + self.capacity)
    }

    /// The last entry; 0 when it is not there yet.
    private mutating func last(_ count: UInt64) throws(JournalDamage) -> UInt64 {
        if count > self.firsts, self.array == 0 || count - 1 < self.begin || count - 1 - self.begin >= self.capacity {
            try self.enterLast(count)
        }
        return try self.entry(count - 1)
    }

    /// Goes to the last array without walking the chain, where the file says which that is and nobody is changing it.
    private mutating func enterLast(_ count: UInt64) throws(JournalDamage) {
        guard self.tailAt != 0, !self.file.isOnline else { return }
        let (array, used) = (try self.file.halfWord(self.tailAt), try self.file.halfWord(self.tailAt + 4))
        // Written one after the other: together they are right only if they stay as they are.
        guard array != 0, used > 0, used <= count - self.firsts, try self.count == count,
            try self.file.halfWord(self.tailAt) == array, try self.file.halfWord(self.tailAt + 4) == used, !self.file.isOnline
        else { return }
        let known = (self.array, self.begin, self.capacity)
        guard try self.enter(array, begin: count - used), used <= self.capacity,
            try used == self.capacity ? self.file.word(array + 16) == 0 : self.item(used) == 0
        else {
            // An older journald has written on, which names no last array.
            (self.array, self.begin, self.capacity) = known
            return
        }
    }

    /// Finds the first entry for which a test is true, as it then is for all behind it; sets `index`. The count when there is none.
    mutating func find(
        where test: (_ offset: UInt64) throws(JournalDamage) -> Bool
    ) throws(JournalDamage) -> UInt64 {
        let count = try self.recount()
        if self.firsts == 1, count > 0 {
            let first = try self.entry(0)
            if first != 0 {
                if try test(first) {
                    self.index = 0
                    return 0
                }
            }
        }
        guard count > self.firsts, try self.enter(self.file.word(self.arrayAt), begin: self.firsts) else {
            self.index = count
            return count
        }
        // Which array: the first whose last entry passes.
        while self.begin + self.capacity < count {
            let last = try self.item(self.capacity - 1)
            if last == 0 { break }
            if try test(last) { break }
            guard try self.enterNext() else {
                self.index = count
                return count
            }
        }
        var low: UInt64 = 0
        var high = min(self.capacity, count - self.begin)
        while low < high {
            let middle = low + (high - low) / 2
            let offset = try self.item(middle)
            let isBehind = offset == 0 ? true : try test(offset)
            if isBehind { high = middle } else { low = middle + 1 }
        }
        self.index = self.begin + low
        return self.index
    }

    /// The nearest entry at an offset or beyond it, in a direction; 0 when there is none.
    mutating func nearest(_ offset: UInt64, _ direction: Query.Direction) throws(JournalDamage) -> UInt64 {
        let count = try self.recount()
        guard count > 0 else { return 0 }
        switch direction {
        case .forward:
            // Going on from one entry to the next is what is asked for most.
            if self.index + 1 < count, try self.entry(self.index) < offset {
                let next = try self.entry(self.index + 1)
                if next >= offset {
                    self.index += 1
                    return next
                }
            }
            let last = try self.last(count)
            if last != 0, last < offset { return 0 }
            self.index = try self.find { (entry) throws(JournalDamage) in entry >= offset }
        case .backward:
            let last = try self.last(count)
            if last != 0, last <= offset {
                self.index = count - 1
                return last
            }
            let behind = try self.find { (entry) throws(JournalDamage) in entry > offset }
            guard behind > 0 else { return 0 }
            self.index = behind - 1
        }
        guard self.index < count else { return 0 }
        var found = try self.entry(self.index)
        if found == 0 { found = try self.neighbour(direction) }
        guard found == 0 || (direction == .forward ? found >= offset : found <= offset) else { throw JournalDamage() }
        return found
    }

    /// The nearest entry with a number or beyond it, in a direction; the numbers ascend with the entries. 0 when there is none.
    mutating func nearest(
        _ number: UInt64, _ direction: Query.Direction, by numberOf: (JournalCursor) -> UInt64
    ) throws(JournalDamage) -> UInt64 {
        let file = self.file
        let found = try self.find { (offset) throws(JournalDamage) in
            // What cannot be read is taken for later, as libsystemd does.
            guard let place = try? file.cursor(offset) else { return true }
            return direction == .forward ? numberOf(place) >= number : numberOf(place) > number
        }
        if direction == .forward { return try found < self.count ? self.entry(found) : 0 }
        return found > 0 ? try self.entry(found - 1) : 0
    }

    /// The entry beside the one found last; 0 when there is none (yet). What cannot be one is passed over.
    mutating func neighbour(_ direction: Query.Direction) throws(JournalDamage) -> UInt64 {
        let count = try self.recount()
        var index = self.index
        while direction == .forward ? index + 1 < count : index > 0 {
            index = direction == .forward ? index + 1 : index - 1
            if index >= self.firsts { guard try self.reach(index) else { return 0 } }
            let offset = try self.entry(index)
            if offset != 0 {
                self.index = index
                return offset
            }
        }
        return 0
    }

    /// True when the last entry is counted and not there yet. Where more are missing they never come.
    var isUnfinished: Bool {
        mutating get throws(JournalDamage) {
            let count = try self.recount()
            if count == 0 { return false }
            guard try self.last(count) == 0 else { return false }
            return count == 1 ? true : try self.entry(count - 2) != 0
        }
    }
}
