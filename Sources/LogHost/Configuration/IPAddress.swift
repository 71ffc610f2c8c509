/// Reads IPv4 and IPv6 addresses from text; names, zones (`%eth0`) and shortened IPv4 (`127.1`) are not addresses.
enum IPAddress {
    /// Returns 4 or 16 bytes in network order, or nil for anything else.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let utf8 = Array(text.utf8.prefix(64))
        return self.version4(utf8[...]) ?? self.version6(utf8)
    }

    /// Returns the 4 bytes inside an IPv4-mapped IPv6 address (`::ffff:192.0.2.1`), and any other address unchanged.
    static func unmapped(_ bytes: [UInt8]) -> [UInt8] {
        bytes.count == 16 && bytes.starts(with: self.mappedPrefix) ? Array(bytes.suffix(4)) : bytes
    }

    /// Tells whether the address is in 127.0.0.0/8, also when mapped, or is ::1.
    static func isLoopback(_ bytes: [UInt8]) -> Bool {
        let bytes = self.unmapped(bytes)
        return bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
    }

    static let mappedPrefix: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff]

    private static func version4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let fields = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard fields.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for field in fields {
            guard field.allSatisfy({ (0x30...0x39).contains($0) }), field.count == 1 || field.first != 0x30,
                let byte = UInt8(String(decoding: field, as: UTF8.self))
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func version6(_ text: [UInt8]) -> [UInt8]? {
        var fields = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard (3...9).contains(fields.count) else { return nil }
        // A leading or a trailing "::" leaves two empty fields in a row; one of them marks the gap.
        if fields[0].isEmpty {
            guard fields[1].isEmpty else { return nil }
            fields.removeFirst()
        }
        if fields[fields.count - 1].isEmpty, fields.count > 1 {
            guard fields[fields.count - 2].isEmpty else { return nil }
            fields.removeLast()
        }
        var bytes: [UInt8] = []
        var gap: Int?
        for (index, field) in fields.enumerated() {
            if field.isEmpty {
                guard gap == nil else { return nil }
                gap = bytes.count
            } else if index == fields.count - 1, let embedded = self.version4(field) {
                bytes += embedded
            } else {
                guard let group = self.group(field) else { return nil }
                bytes += [UInt8(truncatingIfNeeded: group >> 8), UInt8(truncatingIfNeeded: group)]
            }
        }
        guard let gap else { return bytes.count == 16 ? bytes : nil }
        guard bytes.count <= 14 else { return nil }
        bytes.insert(contentsOf: Array(repeating: 0, count: 16 - bytes.count), at: gap)
        return bytes
    }

    private static func group(_ field: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(field.count), field.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
        return UInt16(String(decoding: field, as: UTF8.self), radix: 16)
    }
}
