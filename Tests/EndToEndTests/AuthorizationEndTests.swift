internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Answers that outlive their authorization.
    @Suite struct AuthorizationEndTests {
        private static func now(plus seconds: Int) -> Int { (time(nil) + seconds) * 1_000_000 }

        private static func end(_ server: LogHostProcess, _ format: FollowFormat) async throws -> Followed {
            try await server.follow("/v2/component", as: format) { reader in
                try reader.readToEnd()
                return Followed(reader)
            }
        }

        private static func expectRefused(_ followed: Followed, _ format: FollowFormat) {
            #expect(followed.numbers == [1, 2, 3])
            #expect(!followed.isComplete, "it must not look like a proper end")
            guard format == .sse else { return }
            #expect(followed.records.last?.kind == .event("fault"))
            #expect(followed.records.last?.json?["status"] == .unsigned(401))
        }

        @Test(arguments: FollowFormat.allCases)
        func `a follow ends when its authorization expires`(format: FollowFormat) async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...3).map { JournalEntry($0) })
                try authorizer.say("allow principal=p expires=\(Self.now(plus: 3))")
                Self.expectRefused(try await Self.end(server, format), format)
                #expect(authorizer.calls == 1)
            }
        }

        @Test(arguments: [
            "deny principal=p", "unauthenticated", "abstain", "allow principal=other", "allow principal=p filter=_UID:1",
        ])
        func `a follow ends when it is no longer allowed`(says: String) async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...3).map { JournalEntry($0) })
                try authorizer.say("allow principal=p recheck=1")
                let followed = try await server.follow("/v2/component", as: .sse) { reader in
                    try reader.read(to: 3)
                    try authorizer.say(says)
                    try reader.readToEnd()
                    return Followed(reader)
                }
                Self.expectRefused(followed, .sse)
                #expect(server.log.contains("\"recheck\":true"))
            }
        }

        @Test func `a follow goes on while nobody can say, and its questions leave no records`() async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...3).map { JournalEntry($0) })
                try authorizer.say("allow principal=p recheck=1")
                try await server.follow("/v2/component", as: .sse) { reader in
                    try reader.read(to: 3)
                    try authorizer.say("undecided")
                    let before = authorizer.calls
                    while authorizer.calls < before + 2 { usleep(10_000) }
                    try authorizer.say("allow principal=p recheck=1")
                    let undecided = authorizer.calls
                    while authorizer.calls < undecided + 2 { usleep(10_000) }
                }
                // A new one is never begun then.
                try authorizer.say("undecided")
                #expect(try await server.get("/v2/component").status == 503)
                #expect(!server.log.contains("\"recheck\":true"))
            }
        }

        @Test func `a range is cut off when its authorization expires`() async throws {
            try await withAuthorizer { server, authorizer, journal in
                let text = String(repeating: "x", count: 20_000)
                try await journal.write((1...1000).map { JournalEntry($0, message: "line \($0) \(text)") })
                try authorizer.say("allow principal=p expires=\(Self.now(plus: 3))")
                let isComplete = try await server.open(HTTPRequest("/v2/component"), receiveBuffer: 4096) { head, connection in
                    #expect(head.status == 200)
                    _ = try connection.readPiece()
                    sleep(4)
                    return try connection.readsWholeBody()
                }
                #expect(!isComplete)
            }
        }
    }
}
