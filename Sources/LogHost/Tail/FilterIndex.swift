package import PluginABI

/// Finds which of many filters an entry passes, looking at each of its fields once.
///
/// First it is found which of all filters' matches the entry has, each of them compared once. Then the filters are looked at that have one
/// of these in the clause they are listed under: the one that fewest others are listed under.
package struct FilterIndex {
    private struct Match {
        let match: LogMatch
        /// Filters that are listed under it.
        var filters: [Int] = []
        /// The last entry that had it.
        var seen: UInt64 = 0
    }

    private var matches: [Match] = []
    /// Matches by the hash of name and value.
    private var numbers: [UInt64: [Int]] = [:]
    /// Hashes of the names that occur.
    private var names: Set<UInt64> = []
    /// Each filter's clauses, as numbers of matches.
    private var filters: [[[Int]]] = []
    /// The entry for which a filter was last evaluated.
    private var evaluated: [UInt64] = []
    private var entry: UInt64 = 0
    /// The matches of the present entry.
    private var found: [Int] = []

    package init() {}

    /// Adds a filter, and returns its number. One without a clause passes everything, and has no place here.
    package mutating func add(_ filter: LogFilter) -> Int {
        let number = self.filters.count
        let clauses = filter.clauses.map { clause in clause.map { self.number(of: $0) } }
        self.filters.append(clauses)
        self.evaluated.append(0)
        let costs = clauses.map { clause in clause.reduce(0) { $0 + self.matches[$1].filters.count } }
        let cheapest = costs.indices.min { costs[$0] < costs[$1] }
        for match in cheapest.map({ clauses[$0] }) ?? [] where self.matches[match].filters.last != number {
            self.matches[match].filters.append(number)
        }
        return number
    }

    private mutating func number(of match: LogMatch) -> Int {
        let name = unsafe match.name.withUnsafeBufferPointer { unsafe hash($0, seed: 0) }
        let key = unsafe match.value.withUnsafeBufferPointer { unsafe hash($0, seed: name) }
        if let number = self.numbers[key]?.first(where: { self.matches[$0].match == match }) { return number }
        self.names.insert(name)
        self.numbers[key, default: []].append(self.matches.count)
        self.matches.append(Match(match: match))
        return self.matches.count - 1
    }

    /// Calls back with the number of each filter that the entry passes.
    package mutating func forEachPassed(by entry: UnsafePointer<loghost_entry>, _ body: (Int) -> Void) {
        if self.filters.isEmpty { return }
        self.entry &+= 1
        unsafe self.find(entry)
        for match in self.found {
            for number in self.matches[match].filters where self.evaluated[number] != self.entry {
                self.evaluated[number] = self.entry
                if self.filters[number].allSatisfy({ clause in clause.contains { self.matches[$0].seen == self.entry } }) {
                    body(number)
                }
            }
        }
    }

    /// Finds the matches that an entry has. A value in pieces has none: a match is of the whole value.
    private mutating func find(_ entry: UnsafePointer<loghost_entry>) {
        self.found.removeAll(keepingCapacity: true)
        var count = unsafe Int(entry.pointee.field_count)
        if unsafe Int(entry.pointee.flags) & LOGHOST_ENTRY_CONTINUES != 0 { count -= 1 }
        var index = 0
        while index < count {
            guard let field = unsafe entry.pointee.fields.map({ unsafe $0[index] }) else { return }
            index += 1
            let name = unsafe hash(field.name.buffer, seed: 0)
            guard self.names.contains(name), let numbers = unsafe self.numbers[hash(field.value.buffer, seed: name)] else {
                continue
            }
            for number in numbers where self.matches[number].seen != self.entry {
                let match = self.matches[number].match
                guard unsafe isEqual(field.name, match.name), unsafe isEqual(field.value, match.value) else { continue }
                self.matches[number].seen = self.entry
                self.found.append(number)
            }
        }
    }
}

/// Hashes the length and up to 64 bytes from both ends; whoever is found by it is compared in full.
private func hash(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64) -> UInt64 {
    var hash = (seed ^ UInt64(truncatingIfNeeded: bytes.count)) &* 0x9E37_79B9_7F4A_7C15
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    let head = min(bytes.count, 32)
    var index = 0
    while index < head {
        unsafe mix(bytes[index])
        index &+= 1
    }
    index = max(head, bytes.count &- 32)
    while index < bytes.count {
        unsafe mix(bytes[index])
        index &+= 1
    }
    return hash ^ hash &>> 29
}
