/// Splits a header's value at a separator that does not stand in a quoted string (RFC 9110, 5.6).
struct HeaderSplitter {
    private var rest: ArraySlice<UInt8>?
    private let separator: UInt8

    init(_ value: some Collection<UInt8>, separator: UInt8) {
        self.rest = Array(value)[...]
        self.separator = separator
    }

    /// Answers the next part as it stands, possibly empty; nil behind the last. A quoted string that is never closed takes the rest.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let rest = self.rest else { return nil }
        var isQuoted = false
        var isEscaped = false
        for index in rest.indices {
            let byte = rest[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if !isQuoted, byte == self.separator {
                self.rest = rest[index...].dropFirst()
                return rest[..<index]
            }
        }
        self.rest = nil
        return rest
    }

    /// Takes away the spaces and tabs at both ends.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var bytes = bytes.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) {
            bytes.removeLast()
        }
        return bytes
    }
}
