internal import Glibc
internal import Testing

/// Tokens that the tests present, with what the principals hold of them.
enum TestToken {
    static let alice = (text: "e2e-alice-2Gq8Vx", sha256: "a7f767bcec5aa23ad3896ecb59a39efca83d5c6005f833ebdba69c0c1045ab24")
    static let bob = (text: "e2e-bob-7Kd1Zm", sha256: "b093113928dcd47d43098ee454f6b73443dfb4543bb4b0134e72202893ef9fae")
    static let carol = (text: "e2e-carol-4Tn6Rc", sha256: "2e94e414aed3b9b64ee94e0ff3ab4ce4dde1c613bd5fa1b58ecb78aa2a5bbc44")
    /// Of nobody.
    static let unknown = "e2e-nobody-9Hs3Lw"
    /// carol's too, by crypt(3).
    static let password = (text: "correct horse", hash: "$2b$04$KBCwKxOzLha2MUDgW0PjXexGfB5dmDvvvgEVjeeXiTo87i0yXWYau")

    static let secrets = [alice.text, alice.sha256, bob.text, bob.sha256, carol.text, carol.sha256, unknown, password.hash]

    /// alice may read everything, bob one unit.
    static let principals = """
        principals:
          - {name: alice, sha256: \(alice.sha256)}
          - {name: bob, sha256: \(bob.sha256), units: mine.service}

        """
}

/// Lends a server that asks the token plugin, the journal it serves, and the file of principals.
func withTokenServer<Value>(
    _ principals: String = TestToken.principals, _ entries: [JournalEntry] = TokenEntries.first,
    _ body: (LogHostProcess, TestJournal, _ file: String) async throws -> Value
) async throws -> Value {
    try await withJournal { journal in
        try await journal.write(entries)
        return try await withTemporaryDirectory { directory in
            let file = "\(directory)/tokens.yaml"
            try writeFile(file, Array(principals.utf8))
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.listensOnTCP = true
            configuration.morePlugins = [
                "  - name: token", "    library: libloghost-auth-token.so", "    config: {file: \(file)}",
            ]
            configuration.more = ["authorizers: [token]"]
            return try await withLogHost(configuration) { server in
                let value = try await body(server, journal, file)
                let leaked = TestToken.secrets.filter(server.log.contains)
                #expect(leaked.isEmpty, "the host's output holds what nobody may read there")
                return value
            }
        }
    }
}

/// Entries of two units, in turn: the odd ones are `mine.service`'s.
enum TokenEntries {
    static let first = entries(1...20)

    static func entries(_ numbers: ClosedRange<Int>) -> [JournalEntry] {
        numbers.map { number in
            let unit = number % 2 == 1 ? "mine.service" : "other.service"
            return JournalEntry(number, [("_SYSTEMD_UNIT", Array(unit.utf8)), ("AGENT_ID", Array("agent-\(unit)".utf8))])
        }
    }
}

extension LogHostProcess {
    func get(_ target: String, token: String, accept: String? = nil) async throws -> HTTPAnswer {
        try await self.get(target, accept: accept, headers: ["Authorization": "Bearer \(token)"])
    }

    /// The numbers of the entries of a range.
    func numbers(_ target: String, token: String) async throws -> [Int] {
        let answer = try await self.get(target, token: token, accept: "application/json")
        guard answer.status == 200 || answer.status == 204 else { throw HarnessError("\(target): \(answer.status)") }
        return try answer.lines.compactMap { line in
            try JSONValue(String(line))["fields"]?["N"]?.string.flatMap { Int($0) }
        }
    }
}
