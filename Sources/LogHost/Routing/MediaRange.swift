/// One element of an Accept header: a media type, `type/*` or `*/*`, and how much it is wanted (RFC 9110, 12.5.1).
package struct MediaRange: Hashable, Sendable {
    /// How closely a range describes a type; the closest decides about it.
    package enum Specificity: Int, Comparable, Sendable {
        case anything
        case anySubtype
        case exact

        package static func < (a: Specificity, b: Specificity) -> Bool {
            a.rawValue < b.rawValue
        }
    }

    /// Lower case, or `*`.
    package var type: String
    /// Lower case, or `*`.
    package var subtype: String
    /// Thousandths, from 0 (not wanted) to 1000.
    package var quality: Int

    package var specificity: Specificity {
        self.subtype != "*" ? .exact : self.type != "*" ? .anySubtype : .anything
    }

    /// Reads one element; nil where it does not follow the grammar. Of other parameters than `q` only the names are checked.
    package init?(_ element: some Collection<UInt8>) {
        var parts = HeaderSplitter(element, separator: UInt8(ascii: ";"))
        guard let range = parts.next() else { return nil }
        let names = HeaderSplitter.trimmed(range).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard names.count == 2, let type = Self.token(names[0]), let subtype = Self.token(names[1]) else { return nil }
        guard type != "*" || subtype == "*" else { return nil }
        self.type = type
        self.subtype = subtype
        self.quality = 1000

        while let part = parts.next() {
            let parameter = HeaderSplitter.trimmed(part)
            guard !parameter.isEmpty else { continue }
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")), let name = Self.token(parameter[..<equals]) else {
                return nil
            }
            // What follows the weight was once an extension of Accept and is of no interest.
            guard name == "q" else { continue }
            guard let quality = Self.quality(parameter[equals...].dropFirst()) else { return nil }
            self.quality = quality
            return
        }
    }

    /// Decides whether a media type, in lower case and without parameters, lies in this range.
    package func contains(_ mediaType: String) -> Bool {
        switch self.specificity {
        case .anything: true
        case .anySubtype: mediaType.utf8.starts(with: "\(self.type)/".utf8)
        case .exact: mediaType == "\(self.type)/\(self.subtype)"
        }
    }

    /// Reads a token of RFC 9110, 5.6.2, and lowers its case: types and parameter names compare without it.
    private static func token(_ bytes: ArraySlice<UInt8>) -> String? {
        guard !bytes.isEmpty else { return nil }
        var lowered: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): lowered.append(byte | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): lowered.append(byte)
            case _ where "!#$%&'*+-.^_`|~".utf8.contains(byte): lowered.append(byte)
            default: return nil
            }
        }
        return String(decoding: lowered, as: UTF8.self)
    }

    /// Reads `0`, `1`, or either with up to three decimals, in thousandths.
    private static func quality(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let whole = bytes.first, whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1") else { return nil }
        var quality = whole == UInt8(ascii: "1") ? 1000 : 0
        let rest = bytes.dropFirst()
        guard let point = rest.first else { return quality }
        guard point == UInt8(ascii: "."), rest.count <= 4 else { return nil }
        for (digit, weight) in zip(rest.dropFirst(), [100, 10, 1]) {
            guard digit.isDecimalDigit else { return nil }
            quality += Int(digit - UInt8(ascii: "0")) * weight
        }
        return quality <= 1000 ? quality : nil
    }
}
