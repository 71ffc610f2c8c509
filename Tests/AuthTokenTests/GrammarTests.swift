import AuthToken
import Testing

struct GrammarTests {
    private static func mistake(_ yaml: String) -> String {
        do throws(Mistake) {
            _ = try Principals(yaml: yaml)
            return "none"
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ("", "line 1: expected principals, found nothing"),
        ("[]\n", "line 1: expected a mapping with principals"),
        ("other: []\n", "line 1: unknown key \"other\"; there are principals"),
        ("principals:\n", "line 1: principals: expected a list of principals"),
        ("\nprincipals: []\n", "line 2: principals: expected 1 to 10000 of them"),
        ("{}\n", "line 1: principals: expected a list, found nothing"),
        ("principals: [\n", "line 2: not YAML: did not find expected node content"),
        ("principals: []\nprincipals: []\n", "line 1: the key \"principals\" twice"),
        ("principals: []\n---\nprincipals: []\n", "line 2: expected one document, found another"),
    ])
    func `a file names the line of its mistake`(yaml: String, expected: String) {
        #expect(Self.mistake(yaml) == expected)
    }

    @Test(arguments: [
        ("uid: 0", "line 2: principals[0].name: expected a name of 1 to 96 of the characters A-Z, a-z, 0-9, -, _, @ and ."),
        ("name: a b\n    uid: 0", "line 2: principals[0].name: expected a name of 1 to 96"),
        ("name: 5\n    uid: 0", "line 2: principals[0].name: expected a name of 1 to 96"),
        ("name: true\n    uid: 0", "line 2: principals[0].name: expected a name of 1 to 96"),
        ("name: a", "line 2: principals[0]: expected at least one of sha256, hash, uid, gid and certificate for the principal a"),
        ("name: a\n    sha265: x", "line 3: principals[0]: unknown key \"sha265\"; there are name, sha256, hash,"),
        ("name: a\n    sha256: \(Known.one)0", "line 3: principals[0].sha256: expected the SHA-256 of a token: 64 hexadecimal"),
        ("name: a\n    sha256:\n      - \(Known.one)\n      - x", "line 5: principals[0].sha256[1]: expected the SHA-256 of a"),
        ("name: a\n    sha256: []", "line 3: principals[0].sha256: expected 1 to 256 of them"),
        ("name: a\n    hash: x", "line 3: principals[0].hash: expected a hash of yescrypt"),
        ("name: a\n    hash: $2b$xx", "line 3: principals[0].hash: expected a whole hash of crypt(3) for the principal a"),
        ("name: a\n    uid: -1", "line 3: principals[0].uid: expected a user number"),
        ("name: a\n    uid: \"0\"", "line 3: principals[0].uid: expected a user number"),
        ("name: a\n    uid: root", "line 3: principals[0].uid: expected a user number"),
        ("name: a\n    uid: 4294967295", "line 3: principals[0].uid: expected a user number"),
        ("name: a\n    gid: [4, 1.5]", "line 3: principals[0].gid[1]: expected a group number"),
        ("name: a\n    certificate: CN=a", "line 3: principals[0].certificate: expected subject:… or a name dns:…"),
        ("name: a\n    certificate: \"dns:\"", "line 3: principals[0].certificate: expected subject:… or a name dns:…"),
        ("name: a\n    uid: 0\n    routes: v1", "line 4: principals[0].routes: expected a route such as"),
        ("name: a\n    uid: 0\n    routes: [/v1, /**/x]", "line 4: principals[0].routes[1]: expected a route such as"),
        (
            "name: a\n    uid: 0\n    units: nginx",
            "line 4: principals[0].units: expected a unit's whole name, such as nginx.service"
        ),
        ("name: a\n    uid: 0\n    units: [ng*.service]", "line 4: principals[0].units[0]: expected a unit's whole name"),
        ("name: a\n    uid: 0\n    filter: {UNIT: x}", "line 4: principals[0].filter.UNIT: expected a trusted field"),
        ("name: a\n    uid: 0\n    filter: {__CURSOR: x}", "line 4: principals[0].filter.__CURSOR: expected a trusted field"),
        ("name: a\n    uid: 0\n    filter: {_UID: 5}", "line 4: principals[0].filter._UID: expected a text, in quotation marks"),
        ("name: a\n    uid: 0\n    filter: {}", "line 4: principals[0].filter: expected 1 to 16 fields"),
        (
            "name: a\n    uid: 0\n    expires: 2027-01-01",
            "line 4: principals[0].expires: expected a time such as 2027-01-01T00:00:00Z"
        ),
        ("name: a\n    uid: 0\n    expires: 2027-02-29T00:00:00Z", "line 4: principals[0].expires: expected a time"),
        ("name: a\n    uid: 0\n    expires: 2027-02-28T24:00:00Z", "line 4: principals[0].expires: expected a time"),
        ("name: a\n    uid: 0\n    name: b", "line 2: the key \"name\" twice"),
    ])
    func `a principal's mistake is named by line and key`(principal: String, expected: String) {
        let mistake = Self.mistake("principals:\n  - \(principal)\n")
        #expect(mistake.hasPrefix(expected), "\(mistake)")
    }

    @Test(arguments: [
        ("name: a\n    uid: 7", "a name that no other has; a has it too"),
        ("name: b\n    sha256: \(Known.one)", "a sha256 that no other has; a has it too"),
        ("name: b\n    uid: 1", "a uid that no other has; a has it too"),
        ("name: b\n    gid: 2", "a gid that no other has; a has it too"),
        ("name: b\n    certificate: dns:A.example", "a certificate that no other has; a has it too"),
        ("name: b\n    sha256: [\(Known.two), \(Known.two)]", "a sha256 that no other has; b has it too"),
        ("name: b\n    uid: [5, 5]", "a uid that no other has; it has it too"),
    ])
    func `nothing belongs to two principals`(second: String, expected: String) {
        let first = "  - {name: a, sha256: \(Known.one), uid: 1, gid: 2, certificate: \"dns:a.example\"}\n"
        #expect(Self.mistake("principals:\n\(first)  - \(second)\n") == "line 3: principals[1]: expected \(expected)")
    }

    @Test(arguments: Known.weak)
    func `a hash that is quick to guess at is refused, with the principal's name and without the hash`(hash: String) {
        let mistake = Self.mistake("principals:\n  - {name: carol, hash: '\(hash)'}\n")
        #expect(mistake.hasPrefix("line 2: principals[0].hash: expected a hash of "), "\(mistake)")
        #expect(mistake.hasSuffix(" for the principal carol"))
        #expect(hash.utf8.count < 5 || !mistake.contains(hash))
    }

    @Test(arguments: Known.strong)
    func `a hash that was cut off is refused`(hash: String) {
        let mistake = Self.mistake("principals: [{name: a, hash: '\(hash.dropLast())'}]")
        #expect(mistake == "line 1: principals[0].hash: expected a whole hash of crypt(3) for the principal a")
    }

    @Test func `a mistake shows nothing of a token's hash`() {
        for yaml in [
            "principals:\n  - {name: a, sha256: \(Known.one)zz}\n", "principals:\n  - {name: a, sha256: \"\(Known.one)\n",
        ] {
            #expect(!Self.mistake(yaml).contains(Known.one.prefix(8)))
        }
    }

    @Test func `aliases, depth, size and number are bounded`() {
        let bomb = "a: &a [x, x, x, x, x, x, x, x]\n" + (1...40).map { _ in "b: *a\n" }.joined()
        #expect(Self.mistake(bomb) == "line 1: expected at most 32 aliases (*name)")
        let doubled = (1...30).map { "k\($0): &a\($0) [*a\($0 - 1)]\n" }.joined()
        #expect(Self.mistake("k0: &a0 [x]\n" + doubled).hasPrefix("line "))
        let deep = String(repeating: "[", count: 9) + String(repeating: "]", count: 9)
        #expect(Self.mistake("principals: \(deep)\n") == "line 1: expected at most 8 levels")
        #expect(Self.mistake("#" + String(repeating: "x", count: 1 << 20)) == "line 1: expected at most 1 MiB")
        let many = (0...10_000).map { "  - {name: n\($0), uid: \($0)}\n" }.joined()
        #expect(Self.mistake("principals:\n\(many)") == "line 1: principals: expected 1 to 10000 of them")
    }

    @Test func `as many principals as are allowed are read`() throws {
        let many = (0..<10_000).map { "  - {name: n\($0), uid: \($0)}\n" }.joined()
        #expect(try Principals(yaml: "principals:\n\(many)").count == 10_000)
    }

    @Test func `a hash of digits alone need not be quoted`() throws {
        let digits = String(repeating: "12345678", count: 8)
        for hash in [digits, "1e" + digits.dropFirst(2)] {
            #expect(try Principals(yaml: "principals: [{name: a, sha256: \(hash)}]").count == 1)
        }
    }
}
