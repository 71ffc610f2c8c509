/// A request's path, split at its slashes and then percent-decoded.
package struct RequestPath: Sendable {
    /// The path without a known prefix, as it came.
    package let text: String
    package let segments: [String]
    /// The prefix that was left out; empty for a bare path.
    package let reachedBy: String

    /// Where all routes are reachable too, behind DC/OS's gateways.
    package static let prefix = "/system/v1/logs"

    /// Splits a path; throws 400 for broken percent-encoding, bytes that are no text, and control characters.
    package init(_ path: String) throws(Problem) {
        var text = path
        if text.hasPrefix(Self.prefix), text.dropFirst(Self.prefix.count).first == "/" {
            text = String(text.dropFirst(Self.prefix.count))
        }
        self.text = text
        self.reachedBy = String(path.dropLast(text.count))
        guard text.utf8.first == UInt8(ascii: "/") else { throw Problem(400, "The path must begin with a slash.") }
        var segments: [String] = []
        for segment in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            segments.append(try Self.decode(segment))
        }
        self.segments = segments
    }

    private static func decode(_ segment: Substring.UTF8View) throws(Problem) -> String {
        var bytes: [UInt8] = []
        var index = segment.startIndex
        while index < segment.endIndex {
            var byte = segment[index]
            index = segment.index(after: index)
            if byte == UInt8(ascii: "%") {
                guard segment.distance(from: index, to: segment.endIndex) >= 2,
                    let high = Self.hex(segment[index]), let low = Self.hex(segment[segment.index(after: index)])
                else { throw Problem(400, "The path has a broken percent-encoding.") }
                byte = high << 4 | low
                index = segment.index(index, offsetBy: 2)
            }
            guard byte >= 0x20, byte != 0x7F else { throw Problem(400, "The path has a control character.") }
            bytes.append(byte)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Problem(400, "The path is not UTF-8.") }
        return text
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
