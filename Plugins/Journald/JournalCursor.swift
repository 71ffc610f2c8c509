internal import PluginKit

/// A journal cursor, `s=…;i=…;b=…;m=…;t=…;x=…`, checked.
struct JournalCursor: Equatable {
    /// The sequence number's id.
    var sequence: String
    var number: UInt64
    var boot: String
    var monotonic: UInt64
    var realtime: UInt64
    var hash: UInt64

    /// Reads a cursor; throws `.malformedCursor` for anything that is none.
    init(_ bytes: [UInt8]) throws {
        let malformed = PluginError(.malformedCursor, "The cursor is malformed: it must be one that an entry carried.")
        let parts = bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        // Longer than libsystemd ever writes one: a number of any length would count as well-formed otherwise.
        guard parts.count == 6, bytes.count <= 256 else { throw malformed }
        func value(_ index: Int, _ key: UInt8) throws -> String {
            let part = parts[index]
            guard part.count > 2, part.first == key, part[part.startIndex + 1] == UInt8(ascii: "=") else { throw malformed }
            return String(decoding: part.dropFirst(2), as: UTF8.self)
        }
        func number(_ index: Int, _ key: UInt8) throws -> UInt64 {
            let text = try value(index, key)
            guard text.utf8.count <= 16, text.utf8.allSatisfy(isHexDigit), let number = UInt64(text, radix: 16) else {
                throw malformed
            }
            return number
        }
        func id(_ index: Int, _ key: UInt8) throws -> String {
            let text = try value(index, key)
            guard text.utf8.count == 32, text.utf8.allSatisfy(isHexDigit) else { throw malformed }
            return text.lowercased()
        }
        self.sequence = try id(0, UInt8(ascii: "s"))
        self.number = try number(1, UInt8(ascii: "i"))
        self.boot = try id(2, UInt8(ascii: "b"))
        self.monotonic = try number(3, UInt8(ascii: "m"))
        self.realtime = try number(4, UInt8(ascii: "t"))
        self.hash = try number(5, UInt8(ascii: "x"))
    }

    /// The one spelling libsystemd writes.
    var canonical: String {
        func hex(_ number: UInt64) -> String { String(number, radix: 16) }
        return
            "s=\(self.sequence);i=\(hex(self.number));b=\(self.boot);m=\(hex(self.monotonic));t=\(hex(self.realtime));x=\(hex(self.hash))"
    }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
}
