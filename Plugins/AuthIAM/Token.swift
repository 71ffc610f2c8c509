internal import FoundationEssentials

/// What is wrong with a token, for the audit record; a client never learns it.
enum TokenDefect: String, Error {
    /// Not three parts of base64url, of which the first is a JSON object.
    case malformed
    case tooLong = "too long"
    /// Signed, or said to be signed, with anything but the one algorithm that counts.
    case algorithm
    /// It wants something understood that is not (RFC 7515, section 4.1.11).
    case critical
    case signature
    /// No expiry, or not a number.
    case expiry = "exp"
    case expired
    case uid
}

/// A JSON Web Token that nothing has verified yet.
///
/// JWTKit's own parser of headers must not see one: it turns every whole number into an `Int` and traps for `1e300`.
struct Token {
    /// Bytes of a token.
    static let capacity = 8 << 10

    /// What the signature is over.
    let signed: Data
    let signature: Data
    private let payload: Data

    /// Takes a token apart, and refuses it when its header names another algorithm than the one that counts here.
    init(_ text: String, algorithm: String) throws(TokenDefect) {
        guard text.utf8.count <= Self.capacity else { throw .tooLong }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.decode(parts[0]), let payload = Self.decode(parts[1]),
            let signature = Self.decode(parts[2]), let fields = try? JSONDecoder().decode(Header.self, from: header)
        else { throw .malformed }
        guard fields.algorithm == algorithm else { throw .algorithm }
        guard !fields.isCritical else { throw .critical }
        self.signed = Data(text.utf8[..<parts[1].endIndex])
        self.signature = signature
        self.payload = payload
    }

    private struct Header: Decodable {
        enum CodingKeys: CodingKey { case alg, crit }

        let algorithm: String?
        let isCritical: Bool

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.algorithm = try? container.decode(String.self, forKey: .alg)
            self.isCritical = container.contains(.crit)
        }
    }

    /// Reads who it is for and until when; for a token whose signature is good.
    func identity(requiresExpiry: Bool) throws(TokenDefect) -> Identity {
        guard let claims = try? JSONDecoder().decode(Claims.self, from: self.payload) else { throw .malformed }
        guard let uid = claims.uid, isUID(uid) else { throw .uid }
        guard claims.hasExpiry else {
            if requiresExpiry { throw .expiry }
            return Identity(uid: uid, expires: nil)
        }
        guard let seconds = claims.expiry, seconds.isFinite else { throw .expiry }
        return Identity(uid: uid, expires: UInt64(min(max(seconds, 0) * 1_000_000, 9e18)))
    }

    private struct Claims: Decodable {
        enum CodingKeys: CodingKey { case uid, exp }

        let uid: String?
        let hasExpiry: Bool
        let expiry: Double?

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.uid = try? container.decode(String.self, forKey: .uid)
            self.hasExpiry = container.contains(.exp)
            self.expiry = try? container.decode(Double.self, forKey: .exp)
        }
    }

    /// Decodes base64url without padding (RFC 7515, section 2); nil for anything else.
    private static func decode(_ part: Substring.UTF8View) -> Data? {
        guard part.count % 4 != 1 else { return nil }
        var bytes = Data(part)
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "-"): bytes[index] = UInt8(ascii: "+")
            case UInt8(ascii: "_"): bytes[index] = UInt8(ascii: "/")
            case let byte where isLetterOrDigit(byte): break
            default: return nil
            }
        }
        while bytes.count % 4 != 0 { bytes.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: bytes)
    }
}

/// Who a verified token is for, and when it ends.
struct Identity: Sendable, Hashable {
    let uid: String
    /// Microseconds since the epoch; nil = never.
    let expires: UInt64?

    /// Tells whether the token has ended: at its `exp`, without leeway.
    func isExpired(at now: UInt64) -> Bool { self.expires.map { now >= $0 } ?? false }
}

/// True for 1...96 bytes without control characters and the like: more than the IAM gives out, and nothing that could break a line.
func isUID(_ text: String) -> Bool {
    guard (1...96).contains(text.utf8.count) else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate: false
        default: true
        }
    }
}
