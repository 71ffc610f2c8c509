internal import PluginABI

/// Finds which of many filters an entry passes, looking at each of its fields once.
///
/// To pass a filter an entry must have one of the matches of its first clause: only filters that are found under a field of the
/// entry are evaluated at all.
struct FilterIndex {
    private let filters: [HostFilter]
    /// Filters by the hash of a match in their first clause.
    private var candidates: [UInt64: [Int]] = [:]
    /// Hashes of the names that occur there.
    private var names: Set<UInt64> = []
    /// The entry for which a filter was last evaluated: its clause may match more than one field.
    private var evaluated: [UInt64]
    private var entries: UInt64 = 0

    /// Filters without a clause pass everything, and have no place here.
    init(_ filters: [LogFilter]) {
        self.filters = filters.map { HostFilter(filter: $0) }
        self.evaluated = Array(repeating: 0, count: filters.count)
        for (number, filter) in filters.enumerated() {
            for match in filter.clauses.first ?? [] {
                let name = unsafe match.name.withUnsafeBufferPointer { unsafe hash($0, seed: 0) }
                self.names.insert(name)
                let key = unsafe match.value.withUnsafeBufferPointer { unsafe hash($0, seed: name) }
                if self.candidates[key]?.last != number { self.candidates[key, default: []].append(number) }
            }
        }
    }

    /// Calls back with the number of each filter that the entry passes.
    mutating func forEachPassed(by entry: UnsafePointer<loghost_entry>, _ body: (Int) -> Void) {
        if self.filters.isEmpty { return }
        self.entries &+= 1
        let fields = unsafe UnsafeBufferPointer(start: entry.pointee.fields, count: Int(entry.pointee.field_count))
        var index = 0
        while index < fields.count {
            let field = unsafe fields[index]
            index += 1
            let name = unsafe hash(field.name.buffer, seed: 0)
            guard self.names.contains(name), let numbers = unsafe self.candidates[hash(field.value.buffer, seed: name)] else {
                continue
            }
            for number in numbers where self.evaluated[number] != self.entries {
                self.evaluated[number] = self.entries
                if unsafe self.filters[number].passes(entry) { body(number) }
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
