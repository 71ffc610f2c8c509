internal import Glibc

/// The agent's answer to a read: `{"data":"…","offset":N}`.
///
/// Its `data` is not text but the file's bytes in the escapes of a JSON string, and need not be UTF-8: it is unescaped byte by byte, so
/// that one byte of it is one byte of the file.
package struct ReadAnswer: Hashable, Sendable {
    package var data: [UInt8]
    /// The request's offset again; of a probe the file's size.
    package var offset: Int64

    /// Parses a body; nil for one that is no such answer.
    package init?(_ body: [UInt8]) {
        var scanner = Scanner(body)
        var data: [UInt8]?
        var offset: Int64?
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let name = scanner.string(), scanner.take(UInt8(ascii: ":")) else { return nil }
            if name.elementsEqual("data".utf8) {
                guard data == nil, let value = scanner.string() else { return nil }
                data = value
            } else if name.elementsEqual("offset".utf8) {
                guard offset == nil, let value = scanner.number() else { return nil }
                offset = value
            } else {
                return nil
            }
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "}")), scanner.isAtEnd, let data, let offset else { return nil }
        self.data = data
        self.offset = offset
    }
}

private struct Scanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool {
        mutating get {
            self.skipBlanks()
            return self.position == self.bytes.count
        }
    }

    private mutating func skipBlanks() {
        while self.position < self.bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(self.bytes[self.position]) {
            self.position += 1
        }
    }

    /// Steps over a byte if it is the next one.
    mutating func take(_ byte: UInt8) -> Bool {
        self.skipBlanks()
        guard self.position < self.bytes.count, self.bytes[self.position] == byte else { return false }
        self.position += 1
        return true
    }

    mutating func number() -> Int64? {
        self.skipBlanks()
        let start = self.position
        if self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: "-") { self.position += 1 }
        while self.position < self.bytes.count, (0x30...0x39).contains(self.bytes[self.position]) { self.position += 1 }
        return Int64(String(decoding: self.bytes[start..<self.position], as: UTF8.self))
    }

    /// Unescapes a string: runs without a backslash are copied whole.
    mutating func string() -> [UInt8]? {
        guard self.take(UInt8(ascii: "\"")) else { return nil }
        let start = self.position
        let bytes = self.bytes
        let capacity = bytes.count - start
        var end: Int?
        let result = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
            unsafe bytes.withUnsafeBufferPointer { source in
                end = unsafe unescape(source, from: start, into: target, &count)
            }
        }
        guard let end else { return nil }
        self.position = end
        return result
    }
}

/// Unescapes up to the closing quote. Returns where it goes on behind that; nil when the string is malformed or has no end.
private func unescape(
    _ source: UnsafeBufferPointer<UInt8>, from start: Int, into target: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
) -> Int? {
    guard let from = source.baseAddress, let to = target.baseAddress else { return nil }
    var position = start
    while true {
        var run = unsafe skipPlainWords(source, from: position)
        while run < source.count {
            let byte = unsafe source[run]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            run &+= 1
        }
        guard run < source.count else { return nil }
        unsafe (to + count).update(from: from + position, count: run - position)
        count += run - position
        if unsafe source[run] == UInt8(ascii: "\"") { return run + 1 }
        guard run + 1 < source.count else { return nil }
        position = run + 2
        let byte: UInt8
        switch unsafe source[run + 1] {
        case UInt8(ascii: "n"): byte = 0x0A
        case UInt8(ascii: "t"): byte = 0x09
        case UInt8(ascii: "r"): byte = 0x0D
        case UInt8(ascii: "b"): byte = 0x08
        case UInt8(ascii: "f"): byte = 0x0C
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte = unsafe source[run + 1]
        case UInt8(ascii: "u"):
            // The agent writes single bytes this way, and nothing above them.
            guard run + 5 < source.count, unsafe source[run + 2] == 0x30, unsafe source[run + 3] == 0x30,
                let high = unsafe nibble(source[run + 4]), let low = unsafe nibble(source[run + 5])
            else { return nil }
            byte = high << 4 | low
            position = run + 6
        default: return nil
        }
        unsafe to[count] = byte
        count += 1
    }
}

/// Steps over words of eight bytes that hold neither a quote nor a backslash.
private func skipPlainWords(_ source: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    /// Has bits set where a byte equals the one that `pattern` repeats: the lowest of them is right.
    func matches(_ word: UInt64, _ pattern: UInt64) -> UInt64 {
        let rest = word ^ pattern
        return (rest &- 0x0101_0101_0101_0101) & ~rest & 0x8080_8080_8080_8080
    }
    var position = start
    let memory = UnsafeRawBufferPointer(source)
    while position <= source.count - 8 {
        let word = unsafe memory.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        if matches(word, 0x2222_2222_2222_2222) | matches(word, 0x5C5C_5C5C_5C5C_5C5C) != 0 { break }
        position += 8
    }
    return position
}

private func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x37
    case 0x61...0x66: digit - 0x57
    default: nil
    }
}
