internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Follows of principals who may see a part, or are let in for a while.
    @Suite struct TokenFollowTests {
        private static func follow(_ token: String, _ more: String = "") -> HTTPRequest {
            HTTPRequest(
                "/v2/component?cursor=BEG&follow=true\(more)", accept: "application/json",
                headers: ["Authorization": "Bearer \(token)"])
        }

        @Test func `a principal with units follows those only, also when it asks for others`() async throws {
            try await withTokenServer { server, journal, _ in
                async let all = server.open(Self.follow(TestToken.alice.text)) { _, connection in
                    let reader = FollowReader(connection, as: .json)
                    try reader.read(to: 60)
                    return reader.numbers
                }
                async let mine = server.open(Self.follow(TestToken.bob.text)) { _, connection in
                    let reader = FollowReader(connection, as: .json)
                    try reader.read(to: 59)
                    return reader.numbers
                }
                // Sees the one entry that is both: the last.
                async let other = server.open(Self.follow(TestToken.bob.text, "&filter=N:59")) { _, connection in
                    let reader = FollowReader(connection, as: .json)
                    try reader.read(to: 59)
                    return reader.numbers
                }
                try await Task.sleep(for: .milliseconds(300))
                try await journal.write(TokenEntries.entries(21...40), to: "b")
                try await journal.write(TokenEntries.entries(41...60), to: "c")
                #expect(try await all == Array(1...60))
                #expect(try await mine == (0..<30).map { $0 * 2 + 1 })
                #expect(try await other == [59])
            }
        }

        @Test func `a follow ends when its principal is removed, and others go on`() async throws {
            try await withTokenServer { server, journal, file in
                async let removed = server.open(Self.follow(TestToken.alice.text), within: .seconds(60)) { _, connection in
                    let reader = FollowReader(connection, as: .json)
                    try reader.readToEnd()
                    return (reader.numbers, reader.isComplete)
                }
                async let left = server.open(Self.follow(TestToken.bob.text), within: .seconds(90)) { _, connection in
                    let reader = FollowReader(connection, as: .json)
                    try reader.read(to: 21)
                    return reader.numbers
                }
                // The file is read again within seconds, and a follow asked about at least every 30.
                try await Task.sleep(for: .milliseconds(300))
                try writeFile(
                    file, Array("principals: [{name: bob, sha256: \(TestToken.bob.sha256), units: mine.service}]\n".utf8))
                let (numbers, isComplete) = try await removed
                #expect(numbers == Array(1...20))
                #expect(!isComplete)
                #expect(try await server.get("/v1/range/", token: TestToken.alice.text).status == 401)
                try await journal.write(TokenEntries.entries(21...21), to: "b")
                #expect(try await left == (0..<11).map { $0 * 2 + 1 })
            }
        }

        @Test func `a follow ends when its principal's time is over`() async throws {
            var time = time(nil) + 4
            var parts = unsafe tm()
            unsafe gmtime_r(&time, &parts)
            var text = [CChar](repeating: 0, count: 32)
            _ = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
            let expires = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            try await withTokenServer("principals: [{name: alice, sha256: \(TestToken.alice.sha256), expires: \(expires)}]\n") {
                server, _, _ in
                let ended = try await server.open(Self.follow(TestToken.alice.text)) { head, connection in
                    guard head.status == 200 else { return (head.status, [Int]()) }
                    let reader = FollowReader(connection, as: .json)
                    try reader.readToEnd()
                    return (head.status, reader.numbers)
                }
                #expect(ended == (200, Array(1...20)))
                #expect(try await server.get("/v1/range/", token: TestToken.alice.text).status == 401)
            }
        }

        @Test func `a file that becomes readable by others is 503 until it is mended`() async throws {
            try await withTokenServer { server, _, file in
                func waitFor(_ status: Int) async throws {
                    let deadline = ContinuousClock.now + .seconds(20)
                    while try await server.get("/v1/range/", token: TestToken.alice.text).status != status {
                        guard ContinuousClock.now < deadline else { throw HarnessError("never answered with \(status)") }
                        try await Task.sleep(for: .milliseconds(50))
                    }
                }
                try #require(unsafe chmod(file, 0o640) == 0)
                try await waitFor(503)
                #expect(try await server.get("/v1/range/", token: TestToken.unknown).status == 503)
                #expect(try await server.get("/healthz").status == 200)
                try #require(unsafe chmod(file, 0o600) == 0)
                try await waitFor(200)
                #expect(!server.log.contains(file))
            }
        }
    }
}
