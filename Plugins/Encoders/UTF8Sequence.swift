/// Well-formed UTF-8 byte sequences, by table 3-7 of the Unicode Standard.
enum UTF8Sequence {
    /// What `length` answers for a sequence that is well-formed as far as it goes, but ends with the bytes.
    static let cut = -1

    /// Measures the character outside ASCII that begins at `bytes`: 2...4, 0 when it is ill-formed, or `cut`.
    static func length(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        let first = unsafe bytes.load(as: UInt8.self)
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, low) = (3, 0xA0)
        case 0xED: (length, high) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, low) = (4, 0x90)
        case 0xF4: (length, high) = (4, 0x8F)
        case 0xF1...0xF3: length = 4
        default: return 0
        }
        for offset in 1..<length {
            if offset >= count { return Self.cut }
            let byte = unsafe bytes.load(fromByteOffset: offset, as: UInt8.self)
            if byte < low || byte > high { return 0 }
            (low, high) = (0x80, 0xBF)
        }
        return length
    }

    /// True when all bytes together are well-formed.
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        var index = 0
        while index < bytes.count {
            if unsafe bytes[index] < 0x80 {
                index += 1
                continue
            }
            let length = unsafe Self.length(base + index, bytes.count - index)
            if length <= 0 { return false }
            index += length
        }
        return true
    }
}
