/// 128 bits that name a boot, or who numbers entries.
struct ID128: Equatable {
    /// The first and the last eight bytes, as numbers of which the first byte is the lowest.
    let first: UInt64
    let last: UInt64

    init(_ first: UInt64, _ last: UInt64) {
        self.first = first
        self.last = last
    }

    /// Reads 32 hexadecimal digits.
    init?(_ text: Substring) {
        guard text.utf8.count == 32, text.utf8.allSatisfy(isHexDigit), let first = UInt64(text.prefix(16), radix: 16),
            let last = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(first.byteSwapped, last.byteSwapped)
    }

    /// 32 hexadecimal digits.
    var text: String {
        [self.first.byteSwapped, self.last.byteSwapped].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
