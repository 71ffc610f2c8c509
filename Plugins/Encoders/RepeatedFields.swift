internal import PluginKit

/// Which fields of an entry to leave out, because their name occurs again.
///
/// Most entries have no repeated name; that is found out in one pass over the names, without comparing any two.
struct RepeatedFields {
    /// Empty when no name repeats.
    private var omitted: [Bool] = []

    /// True when field `index` is to be left out: in text a later one of its name wins, in exact an earlier one has taken it along.
    func omits(_ index: Int) -> Bool {
        !self.omitted.isEmpty && self.omitted[index]
    }

    /// Looks at an entry's names. `keepFirst` keeps a name's first field, else its last.
    mutating func examine(_ entry: borrowing Entry, keepFirst: Bool) {
        if !self.omitted.isEmpty { self.omitted = [] }
        let count = entry.fieldCount
        // 1,024 bits: two different names of an ordinary entry rarely share one.
        var seen = InlineArray<16, UInt64>(repeating: 0)
        var suspicious = false
        for index in 0..<count {
            let bit = Self.fingerprint(entry.name(index))
            let word = Int(truncatingIfNeeded: bit >> 6) & 15
            let mask: UInt64 = 1 << (bit & 63)
            if seen[word] & mask != 0 {
                suspicious = true
                break
            }
            seen[word] |= mask
        }
        guard suspicious else { return }
        self.findRepeats(entry, keepFirst: keepFirst)
    }

    private mutating func findRepeats(_ entry: borrowing Entry, keepFirst: Bool) {
        var kept: [[UInt8]: Int] = [:]
        var omitted = [Bool](repeating: false, count: entry.fieldCount)
        var repeats = false
        for index in 0..<entry.fieldCount {
            let name = unsafe entry.name(index).withUnsafeBytes { unsafe Array($0) }
            guard let earlier = kept[name] else {
                kept[name] = index
                continue
            }
            repeats = true
            omitted[keepFirst ? index : earlier] = true
            if !keepFirst { kept[name] = index }
        }
        if repeats { self.omitted = omitted }
    }

    /// The next field of the same name behind `index`, or nil.
    func next(after index: Int, in entry: borrowing Entry) -> Int? {
        guard !self.omitted.isEmpty else { return nil }
        let name = entry.name(index)
        var candidate = index + 1
        while candidate < entry.fieldCount {
            if self.omitted[candidate], equal(entry.name(candidate), name) { return candidate }
            candidate += 1
        }
        return nil
    }

    @inline(__always)
    private static func fingerprint(_ name: RawSpan) -> UInt64 {
        unsafe name.withUnsafeBytes { bytes in
            var hash = UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
            if bytes.count >= 8 {
                hash ^= unsafe bytes.loadUnaligned(as: UInt64.self)
                hash &*= 0xBF58_476D_1CE4_E5B9
                hash ^= unsafe bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
            } else {
                unsafe bytes.forEach { hash = (hash ^ UInt64($0)) &* 0x100_0000_01B3 }
            }
            hash &*= 0x94D0_49BB_1331_11EB
            return hash >> 54
        }
    }
}

private func equal(_ one: RawSpan, _ other: RawSpan) -> Bool {
    unsafe one.withUnsafeBytes { one in unsafe other.withUnsafeBytes { other in unsafe one.elementsEqual(other) } }
}
