/// The name of a line: where its text ends, and a fingerprint of the file's beginning, which tells files of one name apart.
///
/// Written `1234~89abcdef`. A plain number has no fingerprint: positions that people write, and ids of the Logging API.
package struct LineID: Hashable, Sendable {
    package var offset: UInt64
    package var fingerprint: UInt32?

    /// Reads an id; nil for what is none.
    package init?(_ bytes: [UInt8]) {
        let parts = bytes.split(separator: UInt8(ascii: "~"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let digits = parts.first, (1...20).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        // No file is larger: whatever is, lies beyond the end.
        self.offset = min(UInt64(String(decoding: digits, as: UTF8.self)) ?? .max, UInt64(Int64.max))
        guard parts.count == 2 else { return }
        let isHexadecimal = parts[1].allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard parts[1].count == 8, isHexadecimal, let fingerprint = UInt32(String(decoding: parts[1], as: UTF8.self), radix: 16)
        else { return nil }
        self.fingerprint = fingerprint
    }

    package init(offset: UInt64, fingerprint: UInt32?) {
        self.offset = offset
        self.fingerprint = fingerprint
    }

    package var bytes: [UInt8] {
        guard let fingerprint else { return Array("\(self.offset)".utf8) }
        return Array("\(self.offset)~".utf8) + hexadecimal(fingerprint)
    }
}

/// The beginning of a file, as far as fingerprints are made of it.
struct FilePrefix: Hashable, Sendable {
    static let capacity = 256
    private(set) var bytes: [UInt8] = []
    /// Of all 256 bytes, once they are there.
    private var whole: UInt32?
    /// What an id has behind its number, once it is always the same.
    private var wholeSuffix: [UInt8] = []

    init(_ bytes: some Collection<UInt8> = []) {
        self.extend(bytes, at: 0)
    }

    /// Takes in what stands at an offset, as far as it follows on what is known.
    mutating func extend(_ piece: some Collection<UInt8>, at offset: UInt64) {
        let known = UInt64(self.bytes.count)
        guard known < Self.capacity, offset <= known, offset + UInt64(piece.count) > known else { return }
        self.bytes += piece.dropFirst(Int(known - offset)).prefix(Self.capacity - self.bytes.count)
        if self.bytes.count == Self.capacity {
            let hash = Self.hash(self.bytes[...])
            self.whole = hash
            self.wholeSuffix = Self.suffix(hash)
        }
    }

    /// True when nothing that is read can change a fingerprint any more.
    var isWhole: Bool { self.whole != nil }

    /// The fingerprint of a line that ends at an offset: of the first 256 bytes, or of as many as come before it. Nil when they are not known.
    func fingerprint(at offset: UInt64) -> UInt32? {
        if offset >= UInt64(Self.capacity) { return self.whole }
        guard offset <= UInt64(self.bytes.count) else { return nil }
        return Self.hash(self.bytes[..<Int(offset)])
    }

    /// What an id has behind its number; nil when that is not known.
    func suffix(at offset: UInt64) -> [UInt8]? {
        if offset >= UInt64(Self.capacity) { return self.isWhole ? self.wholeSuffix : nil }
        return self.fingerprint(at: offset).map(Self.suffix)
    }

    private static func suffix(_ fingerprint: UInt32) -> [UInt8] { [UInt8(ascii: "~")] + hexadecimal(fingerprint) }

    /// FNV-1a in 64 bits, folded: it has to tell files apart, not to withstand anybody.
    private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }
}

/// Eight digits.
func hexadecimal(_ number: UInt32) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return (0..<8).map { digits[Int(number >> (28 - 4 * UInt32($0)) & 15)] }
}
