/// The inside of a JSON string: RFC 8259 escapes, and U+FFFD for each byte that is not part of well-formed UTF-8.
enum JSONString {
    /// The most bytes one input byte can become (`\u001f`).
    static let growth = 6
    /// Memory that may be overwritten behind the last byte that counts.
    static let slack = 16

    /// Writes as much of `source` from `start` on as fits. Returns where it stopped.
    ///
    /// A character cut off at the end of `source` is left over unless `complete`; then its bytes are not UTF-8.
    static func write(_ source: UnsafeRawBufferPointer, from start: Int, complete: Bool, to output: inout Output) -> Int {
        let count = source.count
        guard start < count, let input = source.baseAddress else { return start }
        var index = start
        var target = unsafe output.next
        let begin = unsafe target
        // The last place where a word may be stored and an escape still fits behind it.
        let limit = unsafe target + (output.free - Self.slack)
        guard output.free >= Self.slack else { return start }
        while index < count, unsafe target <= limit {
            let word: UInt64
            let width: Int
            if count &- index >= 8 {
                word = unsafe input.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                width = 8
            } else {
                width = count &- index
                word = unsafe partialWord(input, index, width, count)
            }
            unsafe target.storeBytes(of: word, as: UInt64.self)
            let special = Self.special(in: word)
            // Bytes behind the end are no bytes.
            let first = special == 0 ? 8 : special.trailingZeroBitCount &>> 3
            if first >= width {
                index &+= width
                unsafe target += width
                continue
            }
            index &+= first
            unsafe target += first
            let byte = unsafe input.load(fromByteOffset: index, as: UInt8.self)
            if byte < 0x80 {
                unsafe target += escape(byte, to: target)
                index &+= 1
                continue
            }
            // A run of characters outside ASCII.
            while index < count, unsafe target <= limit {
                if unsafe input.load(fromByteOffset: index, as: UInt8.self) < 0x80 { break }
                let length = unsafe UTF8Sequence.length(input + index, count &- index)
                if length > 0 {
                    for offset in 0..<length {
                        unsafe target.storeBytes(
                            of: input.load(fromByteOffset: index &+ offset, as: UInt8.self), toByteOffset: offset, as: UInt8.self)
                    }
                    index &+= length
                    unsafe target += length
                } else if length == UTF8Sequence.cut, !complete {
                    output.advance(unsafe target - begin)
                    return index
                } else {
                    unsafe target.storeBytes(of: 0xEF, as: UInt8.self)
                    unsafe target.storeBytes(of: 0xBF, toByteOffset: 1, as: UInt8.self)
                    unsafe target.storeBytes(of: 0xBD, toByteOffset: 2, as: UInt8.self)
                    index &+= 1
                    unsafe target += 3
                }
            }
        }
        output.advance(unsafe target - begin)
        return index
    }

    /// The high bit of each byte that needs more than copying; exact up to and including the first such byte.
    @inline(__always)
    static func special(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let control = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let quotes = (quote &- ones) & ~quote
        let backslashes = (backslash &- ones) & ~backslash
        return (control | quotes | backslashes | word) & highs
    }
}

/// Loads the last `width` (1...7) bytes of `count` without reading beyond them.
@inline(__always)
private func partialWord(_ input: UnsafeRawPointer, _ index: Int, _ width: Int, _ count: Int) -> UInt64 {
    if count >= 8 {
        let last = unsafe input.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        return last &>> UInt64(truncatingIfNeeded: (8 &- width) &* 8)
    }
    var word: UInt64 = 0
    for offset in 0..<width {
        let byte = unsafe input.load(fromByteOffset: index &+ offset, as: UInt8.self)
        word |= UInt64(byte) &<< UInt64(truncatingIfNeeded: offset &* 8)
    }
    return word
}

/// Writes the escape of `"`, `\` or a control character; returns its length.
private func escape(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> Int {
    let short: UInt8 =
        switch byte {
        case 0x22: 0x22
        case 0x5C: 0x5C
        case 0x08: 0x62
        case 0x09: 0x74
        case 0x0A: 0x6E
        case 0x0C: 0x66
        case 0x0D: 0x72
        default: 0
        }
    unsafe target.storeBytes(of: 0x5C, as: UInt8.self)
    if short != 0 {
        unsafe target.storeBytes(of: short, toByteOffset: 1, as: UInt8.self)
        return 2
    }
    let low = byte & 0x0F
    unsafe target.storeBytes(of: 0x75, toByteOffset: 1, as: UInt8.self)
    unsafe target.storeBytes(of: 0x30, toByteOffset: 2, as: UInt8.self)
    unsafe target.storeBytes(of: 0x30, toByteOffset: 3, as: UInt8.self)
    unsafe target.storeBytes(of: 0x30 | (byte &>> 4), toByteOffset: 4, as: UInt8.self)
    unsafe target.storeBytes(of: low < 10 ? 0x30 | low : 0x57 &+ low, toByteOffset: 5, as: UInt8.self)
    return 6
}
