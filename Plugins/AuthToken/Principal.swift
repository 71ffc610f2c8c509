package import PluginKit

/// Somebody who may read: by what they are known, and what they may see.
package struct Principal: Sendable {
    package var name = ""
    /// SHA-256 of its bearer tokens.
    package var tokens: [Digest] = []
    /// What crypt(3) makes of its password.
    package var hash: PasswordHash?
    package var uids: [UInt32] = []
    package var gids: [UInt32] = []
    /// `subject:…` or a name as `Peer.certificateNames` has it.
    package var certificates: [String] = []
    /// Nil is all.
    package var routes: [RoutePattern]?
    /// Names trusted fields only.
    package var filter = Filter()
    /// Microseconds since the epoch; nil is never.
    package var expires: UInt64?

    /// Tells whether it may ask for a route.
    func mayRead(_ route: String) -> Bool {
        guard let routes else { return true }
        let template = RoutePattern.template(of: route)
        return routes.contains { $0.matches(template) }
    }
}

extension Principal {
    private static let keys = ["name", "sha256", "hash", "uid", "gid", "certificate", "routes", "units", "filter", "expires"]

    /// Reads one element of `principals`.
    init(_ place: Place) throws(Mistake) {
        let map = try place.members("a principal with a name", keys: Self.keys)
        self.name = try Self.name(
            map["name"] ?? Place(value: Value(.nothing, line: place.value.line), path: "\(place.path).name"))
        guard ["sha256", "hash", "uid", "gid", "certificate"].contains(where: { map[$0] != nil }) else {
            throw place.wrong("at least one of sha256, hash, uid, gid and certificate for the principal \(self.name)")
        }
        for item in try map["sha256"]?.oneOrMore("the SHA-256 of a token, or a list of them") ?? [] {
            self.tokens.append(try Self.digest(item))
        }
        if let hash = map["hash"] { self.hash = try Self.hash(hash, of: self.name) }
        for item in try map["uid"]?.oneOrMore("a user number") ?? [] { self.uids.append(try item.number("a user number")) }
        for item in try map["gid"]?.oneOrMore("a group number") ?? [] { self.gids.append(try item.number("a group number")) }
        for item in try map["certificate"]?.oneOrMore(Self.certificateForm) ?? [] {
            self.certificates.append(try Self.certificate(item))
        }
        if let routes = map["routes"] {
            var patterns: [RoutePattern] = []
            for item in try routes.oneOrMore("a list of routes") { patterns.append(try Self.pattern(item)) }
            self.routes = patterns
        }
        if let units = map["units"] { self.filter.clauses.append(try Self.units(units)) }
        if let filter = map["filter"] { self.filter.clauses += try Self.clauses(filter) }
        if let expires = map["expires"] {
            let expected = "a time such as 2027-01-01T00:00:00Z"
            guard let time = UTCTime.microseconds(try expires.text(expected)) else { throw expires.wrong(expected) }
            self.expires = time
        }
    }

    private static func name(_ place: Place) throws(Mistake) -> String {
        let expected = "a name of 1 to 96 of the characters A-Z, a-z, 0-9, -, _, @ and ."
        let name = try place.text(expected)
        let isGood = name.utf8.count <= 96 && name.utf8.allSatisfy { isAlphanumeric($0) || "-_@.".utf8.contains($0) }
        guard isGood else { throw place.wrong(expected) }
        return name
    }

    private static func digest(_ place: Place) throws(Mistake) -> Digest {
        // Digits alone, with or without an e, would be a number.
        let text: String? =
            switch place.value.content {
            case .text(let text), .plain(let text): text
            default: nil
            }
        guard let digest = text.flatMap({ Digest(hexadecimal: $0) }) else {
            throw place.wrong("the SHA-256 of a token: 64 hexadecimal digits")
        }
        return digest
    }

    private static func hash(_ place: Place, of name: String) throws(Mistake) -> PasswordHash {
        do throws(PasswordHash.Refusal) {
            return try PasswordHash(try? place.text(""))
        } catch {
            throw place.wrong("\(error.expected) for the principal \(name)")
        }
    }

    private static let certificateForm = "subject:… or a name dns:…, uri:… or email:… of a certificate"

    private static func certificate(_ place: Place) throws(Mistake) -> String {
        let text = try place.text(Self.certificateForm)
        guard let kind = ["subject:", "dns:", "uri:", "email:"].first(where: text.hasPrefix), text.utf8.count > kind.utf8.count,
            text.utf8.count <= 1024
        else { throw place.wrong(Self.certificateForm) }
        return certificateName(text)
    }

    private static func pattern(_ place: Place) throws(Mistake) -> RoutePattern {
        let expected = "a route such as /v2/component/{name} or /v1/**"
        guard let pattern = RoutePattern(try place.text(expected)) else { throw place.wrong(expected) }
        return pattern
    }

    /// Entries of units, by the field that journald itself writes. What a unit's processes may claim (`UNIT`) does not count.
    private static func units(_ place: Place) throws(Mistake) -> [Match] {
        let expected = "a unit's whole name, such as nginx.service"
        var clause: [Match] = []
        for item in try place.oneOrMore(expected) {
            let unit = try item.text(expected)
            let isName = unit.utf8.allSatisfy { isAlphanumeric($0) || ":-_.\\@".utf8.contains($0) }
            guard isName, unit.dropFirst().contains("."), unit.utf8.count <= 255 else { throw item.wrong(expected) }
            clause.append(Match("_SYSTEMD_UNIT", unit))
        }
        return clause
    }

    private static func clauses(_ place: Place) throws(Mistake) -> [[Match]] {
        let members = try place.members("a mapping of trusted fields to values")
        guard (1...16).contains(members.count) else { throw place.wrong("1 to 16 fields") }
        var clauses: [[Match]] = []
        for (field, values) in members {
            let isTrusted =
                field.hasPrefix("_") && !field.hasPrefix("__") && (2...64).contains(field.utf8.count)
                && field.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
            guard isTrusted else { throw values.wrong("a trusted field: _ and then A-Z, 0-9 and _") }
            var clause: [Match] = []
            for item in try values.oneOrMore("a text, or a list of texts") {
                let text = try item.text("a text, in quotation marks when it looks like a number")
                guard text.utf8.count <= 1024 else { throw item.wrong("a text of at most 1,024 bytes") }
                clause.append(Match(field, text))
            }
            clauses.append(clause)
        }
        return clauses
    }
}

/// Returns a certificate's name as it is compared: DNS names have no case.
func certificateName(_ name: String) -> String {
    name.hasPrefix("dns:") ? name.lowercased() : name
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
}
