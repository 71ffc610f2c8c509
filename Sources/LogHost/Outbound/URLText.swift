internal import FoundationEssentials

extension URL {
    /// Reads a URL; what may not stand in one is percent-encoded behind the authority, what is encoded already stays as it is.
    // The library encodes too, but then all of the text: `%41{` becomes `%2541%7B`.
    init?(text: String, relativeTo base: URL? = nil) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let encoded = encodedURL(text)
        if let base {
            self.init(string: encoded, relativeTo: base)
        } else {
            self.init(string: encoded, encodingInvalidCharacters: false)
        }
    }
}

/// Percent-encodes what may not stand in a URL; what is encoded already stays as it is.
package func encodedURL(_ text: String) -> String {
    let bytes = Array(text.utf8)
    let start = authorityEnd(bytes)
    var result = Array(bytes[..<start])
    result.reserveCapacity(bytes.count)
    for index in start..<bytes.count {
        let byte = bytes[index]
        if isURLByte(byte) || isEscape(bytes[index...]) {
            result.append(byte)
        } else {
            result += [UInt8(ascii: "%"), upperHex[Int(byte >> 4)], upperHex[Int(byte & 15)]]
        }
    }
    return String(decoding: result, as: UTF8.self)
}

private let upperHex = Array("0123456789ABCDEF".utf8)
private let marks = Set("-._~:/?#@!$&'()*+,;=".utf8)

private func isURLByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
    default: marks.contains(byte)
    }
}

/// True for `%` and two hexadecimal digits.
private func isEscape(_ bytes: ArraySlice<UInt8>) -> Bool {
    let digits = bytes.dropFirst().prefix(2)
    return bytes.first == UInt8(ascii: "%") && digits.count == 2
        && digits.allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
}

/// Where the path begins: brackets before it are an address's.
private func authorityEnd(_ bytes: [UInt8]) -> Int {
    let isEnd = { (byte: UInt8) in byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") }
    guard let slash = bytes.firstIndex(where: isEnd), bytes[slash...].starts(with: "//".utf8) else { return 0 }
    return bytes[(slash + 2)...].firstIndex(where: isEnd) ?? bytes.count
}
