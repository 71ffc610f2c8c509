/// What a request brings along for this plugin.
enum Credential: Sendable, Hashable {
    /// Nothing of this plugin's kind.
    case absent
    /// Something of this plugin's kind that cannot be good; says why.
    case unusable(String)
    case token(String)

    static let cookie = "dcos-acs-auth-cookie"

    /// Looks into the Authorization header, and into the cookies only when there is none. With `isKnown` somebody has vouched for the
    /// client already, perhaps by a bearer token of another kind.
    init(_ headers: [(name: String, value: String)], isKnown: Bool) {
        var authorization: String?
        for header in headers where header.name == "authorization" {
            guard authorization == nil else {
                self = .unusable("several credentials")
                return
            }
            authorization = header.value
        }
        if let authorization {
            self = Self.inAuthorization(authorization, isKnown: isKnown)
        } else {
            self = Self.inCookies(headers)
        }
    }

    private static func inAuthorization(_ value: String, isKnown: Bool) -> Credential {
        let bytes = value.utf8
        if let token = self.dropping("token=", from: bytes) { return .token(String(token)) }
        guard let rest = self.dropping("bearer", from: bytes) else { return .absent }
        guard rest.isEmpty || rest.utf8.first == 0x20 else { return .absent }
        let token = rest.drop { $0 == " " }
        if isKnown, token.utf8.count(where: { $0 == UInt8(ascii: ".") }) != 2 { return .absent }
        return .token(String(token))
    }

    private static func dropping(_ prefix: StaticString, from bytes: String.UTF8View) -> Substring? {
        var index = bytes.startIndex
        for position in 0..<prefix.utf8CodeUnitCount {
            guard index < bytes.endIndex else { return nil }
            let byte = bytes[index]
            let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            guard unsafe lower == prefix.utf8Start[position] else { return nil }
            index = bytes.index(after: index)
        }
        return Substring(bytes[index...])
    }

    /// RFC 6265, section 5.4; HTTP/2 may split the header into several.
    private static func inCookies(_ headers: [(name: String, value: String)]) -> Credential {
        var found: Substring?
        for header in headers where header.name == "cookie" {
            for pair in header.value.split(separator: ";") {
                guard let equals = pair.firstIndex(of: "="), self.trimmed(pair[..<equals]) == Self.cookie else { continue }
                var value = self.trimmed(pair[pair.index(after: equals)...])
                if value.utf8.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") { value = value.dropFirst().dropLast() }
                // What a log-out leaves behind.
                if value.isEmpty { continue }
                // Another site of the domain may have planted one; which one is meant nobody can tell.
                if let found, found != value { return .unusable("several cookies") }
                found = value
            }
        }
        return found.map { .token(String($0)) } ?? .absent
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
