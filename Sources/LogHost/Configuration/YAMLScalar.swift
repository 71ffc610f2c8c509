import Yams

/// A scalar with the type that the core schema of YAML 1.2 (section 10.3) gives it.
enum YAMLScalar: Hashable, Sendable {
    case null
    case bool(Bool)
    /// Decimal digits without leading zeros, with a minus if negative: the value need not fit in any integer type.
    case integer(String)
    /// Not a number is possible here, and infinity.
    case float(Double)
    case string(String)

    /// Resolves a node: quoted and block scalars are text, plain ones by their form. Nil for a tag that the core schema lacks,
    /// or a value that is not of its tag.
    init?(_ scalar: Node.Scalar) {
        let resolved = Self(plain: scalar.string)
        switch (Tag.Name(rawValue: scalar.tag.rawValue), resolved) {
        case (.implicit, _): self = scalar.style == .plain ? resolved : .string(scalar.string)
        case (.str, _), (.nonSpecific, _): self = .string(scalar.string)
        case (.null, .null), (.bool, .bool), (.int, .integer), (.float, .float): self = resolved
        case (.float, .integer(let digits)): self = Double(digits).map { .float($0) } ?? resolved
        default: return nil
        }
    }

    /// Resolves the text of a plain scalar.
    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        case ".nan", ".NaN", ".NAN": self = .float(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": self = .float(-.infinity)
        default: self = Self.number(text) ?? .string(text)
        }
    }

    private static func number(_ text: String) -> YAMLScalar? {
        let bytes = Array(text.utf8)
        if bytes.starts(with: "0x".utf8) || bytes.starts(with: "0o".utf8) {
            let radix = bytes[1] == UInt8(ascii: "x") ? 16 : 8
            let digits = String(decoding: bytes[2...], as: UTF8.self)
            guard let first = bytes.dropFirst(2).first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
            return UInt64(digits, radix: radix).map { .integer(String($0)) }
        }
        var rest = bytes[...]
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") {
            rest.removeFirst()
        }
        let whole = rest.prefix(while: Self.isDigit)
        rest.removeFirst(whole.count)
        if rest.isEmpty, !whole.isEmpty {
            let digits = whole.drop { $0 == UInt8(ascii: "0") }
            return .integer(digits.isEmpty ? "0" : (negative ? "-" : "") + String(decoding: digits, as: UTF8.self))
        }
        return Self.isFraction(rest, hasWhole: !whole.isEmpty) ? Double(text).map { .float($0) } : nil
    }

    /// Tells whether the bytes are what may follow the whole part of a float: `[.digits][(e|E)[+|-]digits]`.
    private static func isFraction(_ bytes: ArraySlice<UInt8>, hasWhole: Bool) -> Bool {
        var rest = bytes
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            let digits = rest.prefix(while: Self.isDigit)
            guard hasWhole || !digits.isEmpty else { return false }
            rest.removeFirst(digits.count)
        } else if !hasWhole {
            return false
        }
        guard let mark = rest.popFirst() else { return true }
        guard mark | 0x20 == UInt8(ascii: "e") else { return false }
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
            rest.removeFirst()
        }
        return !rest.isEmpty && rest.allSatisfy(Self.isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
