internal import FoundationEssentials

/// What a request's `Authorization` field presents.
package enum Credential: Sendable {
    /// There is no such field.
    case none
    case bearer(String)
    case basic(name: String, password: String)
    /// A scheme that is not this plugin's.
    case other
    /// A bearer token or a name and password that can be none.
    case malformed(Scheme)
    /// Several fields: which one counts is anybody's guess.
    case several

    package enum Scheme: Sendable {
        case bearer
        case basic
    }

    /// Bounds tokens, and names with their passwords.
    package static let maximumBytes = 4096
    /// What crypt(3) takes, without its final zero byte.
    private static let maximumPasswordBytes = 511

    /// Finds it among header fields with names in lower case.
    package init(_ headers: [(name: String, value: String)]) {
        let values = headers.lazy.filter { $0.name == "authorization" }.map(\.value)
        guard let value = values.first else {
            self = .none
            return
        }
        guard values.count == 1 else {
            self = .several
            return
        }
        let field = value.drop(while: Self.isBlank)
        let scheme = field.prefix { !Self.isBlank($0) }
        var rest = field.dropFirst(scheme.count).drop(while: Self.isBlank)
        while let last = rest.last, Self.isBlank(last) { rest.removeLast() }
        switch scheme.lowercased() {
        case "bearer":
            let isToken = (1...Self.maximumBytes).contains(rest.utf8.count) && rest.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            self = isToken ? .bearer(String(rest)) : .malformed(.bearer)
        case "basic": self = Self.basic(rest)
        default: self = .other
        }
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

    private static func basic(_ encoded: Substring) -> Credential {
        guard encoded.utf8.count <= Self.maximumBytes, let data = Data(base64Encoded: String(encoded)),
            let text = String(validating: data, as: UTF8.self), let colon = text.firstIndex(of: ":")
        else { return .malformed(.basic) }
        let name = text[..<colon]
        let password = text[text.index(after: colon)...]
        guard !name.isEmpty, (1...Self.maximumPasswordBytes).contains(password.utf8.count), !password.utf8.contains(0) else {
            return .malformed(.basic)
        }
        return .basic(name: String(name), password: String(password))
    }
}
