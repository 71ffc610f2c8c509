import AuthToken
import Glibc
import PluginKit
import Testing

/// Tokens, passwords and what the principals hold of them.
enum Known {
    static let one = "75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de34547006e8d1a"  // token-one
    static let two = "adb97ffd599d30b788077856502e55d9ef5543386cd60a5106e034ebbc3acb0c"  // token-two
    static let three = "97c80a71e508b7a930ed0b861eb2598df2c9aa010b039b80964ff7828b2b7f68"  // token-three

    static let password = "correct horse"
    static let bcrypt = "$2b$04$KBCwKxOzLha2MUDgW0PjXexGfB5dmDvvvgEVjeeXiTo87i0yXWYau"
    static let yescrypt = "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$E9XAySfP6N2THWdzNKesSVmhpcmhNusa8y5TMfT668."
    static let strong = [
        bcrypt, yescrypt, "$2y$04$KBCwKxOzLha2MUDgW0PjXexGfB5dmDvvvgEVjeeXiTo87i0yXWYau",
        "$6$rounds=1000$k2XAnEHBqQ1Ct2aM$yfBXbHVNVf4J0eyDZhe27ipKodSqcTbLWkIV1mTNHVmYxiLcl4/RsaWmahApFz75S0UnbNJV9U1Xwm7FGZ9ab/",
        "$5$rounds=1000$k2XAnEHBqQ1Ct2aM$CZKtMpY3YFTaUtD6aj3idKUkEw2Cgx.7d6g93aU54SD",
        "$7$BU..../....k2XAnEHBqQ1Ct2aMXFKNa/$Q5pezBy5hqudsV.XXg2wEgSGmFoMyt44hmjNjKRIhF/",
    ]
    static let weak = [
        "abhfCpXqd4GrI", "$1$k2XAnEHB$gSpCGj8tputEsDyOYa0191", "$3$$8846f7eaee8fb117ad06bdd830b7586c", "_J9..ab", "*",
    ]

    /// Two tokens, alice's and bob's.
    static let principals = """
        principals:
          - {name: alice, sha256: \(one)}
          - {name: bob, sha256: \(two)}

        """
}

/// 2026-01-01T00:00:00Z
let newYear: UInt64 = 1_767_225_600_000_000

func authorizer(
    _ yaml: String, unknownTokens: TokenAuthorizer.UnknownTokens = .refuse, threads: BlockingThreads = .forPasswords(),
    now: UInt64 = newYear
) throws -> TokenAuthorizer {
    TokenAuthorizer(store: PrincipalStore(try Principals(yaml: yaml)), unknownTokens: unknownTokens, threads: threads) { now }
}

func request(_ authorization: String..., route: String = "/v2/component") -> AuthorizationRequest {
    var request = AuthorizationRequest()
    request.route = route
    request.path = "/v2/component"
    request.headers = [("host", "localhost")] + authorization.map { ("authorization", $0) } + [("accept", "*/*")]
    return request
}

extension TokenAuthorizer {
    /// What it decides, at once or later.
    func answer(_ request: AuthorizationRequest) async throws -> Decision {
        if let decision = self.decide(request) { return decision }
        return try await self.authorize(request)
    }
}

/// Lends a file of principals in a fresh directory.
func withPrincipalFile(_ text: String = Known.principals, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/loghost-token.XXXXXX".utf8CString)
    try #require(unsafe mkdtemp(&template) != nil)
    let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = "\(directory)/tokens.yaml"
    defer {
        for name in ["tokens.yaml", "new.yaml", "link.yaml"] { unsafe unlink("\(directory)/\(name)") }
        unsafe rmdir(directory)
    }
    try write(text, to: path)
    try body(path)
}

/// Writes a file anew, so that nobody sees half of it.
func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
    let new = path.replacing("tokens.yaml", with: "new.yaml")
    let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    try #require(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    try #require(fchmod(descriptor, mode) == 0)
    try #require(unsafe rename(new, path) == 0)
}
