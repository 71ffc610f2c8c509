/// Holds a range of IPv4 or IPv6 addresses: one address, or all that share their first bits (CIDR, RFC 4632 and RFC 4291).
///
/// An IPv4-mapped IPv6 address counts as the IPv4 address in it, in ranges and in what is looked up: `::ffff:10.0.0.0/104` is
/// `10.0.0.0/8`, and `::/0` holds every IPv6 address but no IPv4 address.
package struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes in network order; the bits behind the prefix are zero.
    private let network: [UInt8]
    private let prefixLength: Int

    /// Parses `192.0.2.1`, `10.0.0.0/8`, `::1` or `fd00::/8`; throws when a bit behind the prefix is set, because `10.1.2.3/8`
    /// is more often a slip than a wish for the whole of `10.0.0.0/8`.
    package init(_ text: String) throws(InvalidValue) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let wrong = InvalidValue(expected: "an address or a range such as 10.0.0.0/8 or fd00::/8", text: text)
        guard parts.count <= 2, let address = IPAddress.bytes(parts[0]) else { throw wrong }
        var bits = address.count * 8
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let given = Int(parts[1]), given <= bits
            else { throw wrong }
            bits = given
        }
        guard Self.masked(address, to: bits) == address else {
            throw InvalidValue(expected: "a range without bits behind its prefix", text: text)
        }
        let unmapped = bits >= 96 ? IPAddress.unmapped(address) : address
        self.network = unmapped
        self.prefixLength = unmapped.count == address.count ? bits : bits - 96
    }

    /// Tells whether an address of 4 or 16 bytes in network order is in the range; any other count of bytes is in none.
    package func contains(_ bytes: [UInt8]) -> Bool {
        let address = IPAddress.unmapped(bytes)
        return address.count == self.network.count && Self.masked(address, to: self.prefixLength) == self.network
    }

    package var description: String {
        let groups =
            self.network.count == 4
            ? self.network.map { String($0) }
            : stride(from: 0, to: 16, by: 2).map { String(Int(self.network[$0]) << 8 | Int(self.network[$0 + 1]), radix: 16) }
        return groups.joined(separator: self.network.count == 4 ? "." : ":") + "/\(self.prefixLength)"
    }

    private static func masked(_ bytes: [UInt8], to bits: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(bits - index * 8, 0), 8)
            return byte & ~(UInt8.max >> UInt8(kept))
        }
    }
}
