internal import Crypto

/// 256 bits of SHA-256. Two are compared in a time that does not depend on where they differ.
package struct Digest: Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    private init(bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for byte in bytes {
            words = (words.0 << 8 | words.1 >> 56, words.1 << 8 | words.2 >> 56, words.2 << 8 | words.3 >> 56, words.3 << 8)
            words.3 |= UInt64(byte)
        }
        self.words = words
    }

    /// Hashes what was presented.
    package init(of text: String) {
        var hash = SHA256()
        var text = text
        text.withUTF8 { unsafe hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        self.init(bytes: hash.finalize())
    }

    /// Parses 64 hexadecimal digits; nil for anything else.
    package init?(hexadecimal text: String) {
        guard text.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for (index, character) in text.utf8.enumerated() {
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x41...0x46: digit = character - 0x37
            case 0x61...0x66: digit = character - 0x57
            default: return nil
            }
            if index % 2 == 0 { bytes.append(digit << 4) } else { bytes[index / 2] |= digit }
        }
        self.init(bytes: bytes)
    }

    package func isEqual(to other: Digest) -> Bool {
        let difference =
            (self.words.0 ^ other.words.0) | (self.words.1 ^ other.words.1) | (self.words.2 ^ other.words.2)
            | (self.words.3 ^ other.words.3)
        return difference == 0
    }

    /// The key of a hash table for secrets: HMAC-SHA256 with a key that this process has made up and tells nobody.
    ///
    /// How long a look-up takes depends on the bits that are looked up. With these nobody outside can choose or predict any of
    /// them, so the time says nothing about the secrets in the table, and 10,000 of them cost no more than one.
    package struct Keyed: Hashable, Sendable {
        private let first: UInt64
        private let second: UInt64

        private static let key = SymmetricKey(size: .bits256)

        /// Keys a number of texts; where one ends counts.
        package init(_ parts: String...) {
            var code = HMAC<SHA256>(key: Self.key)
            for var part in parts {
                unsafe withUnsafeBytes(of: UInt64(part.utf8.count)) { unsafe code.update(data: $0) }
                part.withUTF8 { unsafe code.update(data: UnsafeRawBufferPointer($0)) }
            }
            self.init(keyed: Digest(bytes: code.finalize()))
        }

        init(_ digest: Digest) {
            var code = HMAC<SHA256>(key: Self.key)
            unsafe withUnsafeBytes(of: digest.words) { unsafe code.update(data: $0) }
            self.init(keyed: Digest(bytes: code.finalize()))
        }

        /// Chooses one of `count`, always the same one in this process.
        func remainder(of count: Int) -> Int { Int(self.first % UInt64(count)) }

        private init(keyed digest: Digest) {
            self.first = digest.words.0
            self.second = digest.words.1
        }
    }
}
