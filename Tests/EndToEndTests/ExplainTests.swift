internal import Testing

extension EndToEndTests {
    /// What `explain=true` says: what a request means, and why nothing comes.
    @Suite(.goldenServer) struct ExplainTests {
        private static func explanation(_ target: String, _ server: LogHostProcess? = nil) async throws -> JSONValue {
            let answer = try await (server ?? Golden.server).get(
                "\(target)\(target.contains("?") ? "&" : "?")explain=true", accept: "application/json")
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.head["Content-Type"] == "application/json")
            return try JSONValue(answer.text)
        }

        private static func cursor(_ number: Int) async throws -> String {
            let answer = try await Golden.server.get("/v2/component?skip=\(number)&limit=1", accept: "application/json")
            let cursor = try #require(try answer.jsonLines.first?["cursor"]?.string)
            return cursor.replacing("=", with: "%3D").replacing(";", with: "%3B")
        }

        @Test(
            arguments: [
                "/v1/range/", "/v1/range/?limit=7", "/v1/range/?skip_prev=9&limit=4", "/v1/range/?skip_next=5",
                "/v1/range/?read_reverse=true&limit=5", "/v1/range/?read_reverse=true&skip_prev=3&limit=5",
                "/v1/range/?filter=PRIORITY:3&filter=PRIORITY:6&filter=_SYSTEMD_UNIT:gamma.service",
                "/v2/component/gamma.service",
                "/v2/component/gamma.service?filter=PRIORITY:3", "/v2/component?skip=-10", "/v2/component?skip=-10&limit=3",
                "/v2/component?cursor=END", "/v2/component?filter=MESSAGE:it's%20$HOME%20`x`",
                "/v1/range/?since=@1700000010&until=@1700000012.5", "/v1/range/?read_reverse=true&until=@1700000002",
                "/v2/component?cursor=CURSOR", "/v2/component?cursor=CURSOR&skip=3&limit=2",
                "/v1/range/?read_reverse=true&cursor=CURSOR&limit=4",
            ])
        func `the command gives the same entries`(target: String) async throws {
            let target = target.replacing("CURSOR", with: try await Self.cursor(20))
            let command = try #require(try await Self.explanation(target)["command"]?.string)
            #expect(command.hasPrefix("journalctl --directory=DIRECTORY "))
            let journal = try Golden.journal
            let lines = try await withTemporaryDirectory { directory in
                let shell = "\(command.replacing("DIRECTORY", with: journal.directory)) > '\(directory)/entries'"
                #expect(try await run(["sh", "-c", shell]).exit == .status(0))
                return String(decoding: try readFile("\(directory)/entries"), as: UTF8.self).split(separator: "\n")
            }
            let answer = try await Golden.server.get(target, accept: "application/json")
            #expect(try lines.map { try JSONValue($0)["__CURSOR"]?.string } == answer.jsonLines.map { $0["cursor"]?.string })
        }

        @Test(arguments: [
            "/v2/component?skip=3&since=@1700000010", "/v2/component?cursor=CURSOR&skip=-2", "/v2/component?filter=MESSAGE:a%0Ab",
        ])
        func `what no command gives has none`(target: String) async throws {
            let target = target.replacing("CURSOR", with: try await Self.cursor(20))
            #expect(try await Self.explanation(target)["command"] == nil)
        }

        @Test func `a request is explained in its parts`() async throws {
            let said = try await Self.explanation(
                "/v2/component/gamma.service?skip=-5&limit=2&filter=PRIORITY:3&since=@1700000010.5&format=text")
            #expect(
                try said
                    == JSONValue(
                        """
                        {"route": "/v2/component/{name}", "plugin": "journald", "variables": {"name": "gamma.service"},
                        "format": "text", "follow": false, "restricted": false, "conditions": [
                        {"from": "route", "match": "UNIT=gamma.service or _SYSTEMD_UNIT=gamma.service"},
                        {"from": "request", "match": "PRIORITY=3"}],
                        "start": {"at": "tail", "skip": -5}, "direction": "forward", "limit": 2,
                        "since": "2023-11-14T22:13:30.500000Z", "status": 200}
                        """))
        }

        @Test(
            arguments: [
                (
                    "/v2/component/none.service", 204, "no-match-of-route",
                    #""unmatched":["UNIT=none.service or _SYSTEMD_UNIT=none.service"]"#
                ),
                (
                    "/v2/component?filter=PRIORITY:9", 204, "no-match-of-filter",
                    #""unmatched":["PRIORITY=9"],"searched":300,"searchedAll":true"#
                ),
                (
                    "/v2/component?filter=_SYSTEMD_UNIT:gamma.service&filter=MESSAGE:x&filter=PRIORITY:3", 204,
                    "no-match-of-filter", #""unmatched":["MESSAGE=x"]"#
                ),
                ("/v1/range/?since=@1800000000", 204, "after-newest", #""newest":"2023-11-14T22:18:19.000123Z""#),
                ("/v1/range/?until=@1600000000", 204, "before-oldest", #""oldest":"2023-11-14T22:13:20.000123Z""#),
                ("/v1/range/?since=@1700000012&until=@1700000010", 204, "nothing-there", #""oldest":"#),
                ("/v2/component?cursor=CURSOR", 204, "nothing-there", #""newest":"2023-11-14T22:18:19.000123Z""#),
                ("/v2/component?follow=true&cursor=CURSOR", 200, "nothing-there", #""oldest":"#),
            ])
        func `where nothing comes it says why`(target: String, status: UInt64, cause: String, part: String) async throws {
            let target = target.replacing("CURSOR", with: try await Self.cursor(300))
            if status == 204 { #expect(try await Golden.server.get(target, accept: "application/json").status == 204) }
            let answer = try await Golden.server.get("\(target)\(target.contains("?") ? "&" : "?")explain=true")
            let said = try JSONValue(answer.text)
            #expect(said["status"] == .unsigned(status))
            #expect(said["empty"]?["cause"]?.string == cause)
            #expect(answer.text.contains(part), "\(answer.text)")
        }

        @Test func `a format that shows nothing is not an empty log`() async throws {
            try await withJournal { journal in
                var entry = JournalEntry(1)
                entry.fields.removeFirst()
                try await journal.write([entry])
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    let status = try await server.get("/v2/component?format=text").status
                    let said = try await Self.explanation("/v2/component?format=text", server)
                    #expect(said["status"] == .unsigned(UInt64(status)))
                    #expect(said["empty"]?["cause"]?.string == (status == 204 ? "invisible" : nil))
                }
            }
        }

        @Test func `a journal without entries says so`() async throws {
            try await withJournal { journal in
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    let said = try await Self.explanation("/v2/component/x", server)
                    #expect(said["status"] == .unsigned(204))
                    #expect(said["empty"]?["cause"]?.string == "no-entries")
                    #expect(said["empty"]?["plugin"] == .array([.string("The journal has no entries yet.")]))
                }
            }
        }

        @Test func `what is wrong with a request is wrong with its explanation`() async throws {
            for (target, status) in [
                ("/v2/component?limit=x&explain=true", 400), ("/v2/component?explain=perhaps", 400),
                ("/v2/component?cursor=x&explain=true", 400), ("/v2/component?explain=false&limit=1", 200),
            ] {
                let answer = try await Golden.server.get(target, accept: "application/json")
                #expect(answer.status == status, "\(target)")
            }
            let head = try await Golden.server.send(HTTPRequest("/v2/component?explain=true", method: "HEAD"))
            #expect(head.status == 200 && head.text.isEmpty)
        }

        @Test func `a principal is told of its own entries only`() async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write((1...10).map(RestrictedReaderTests.entry))
                try authorizer.say("abstain")
                #expect(try await server.get("/v2/component?explain=true").status == 401)
                try authorizer.say("deny principal=alice")
                #expect(try await server.get("/v2/component?explain=true").status == 403)
                try authorizer.say("allow principal=alice filter=_SYSTEMD_UNIT:a.service")
                // Not that there are entries of others, nor how many.
                var said = try await Self.explanation("/v2/component/b.service", server)
                #expect(said["restricted"] == .bool(true))
                #expect(said["empty"]?["cause"]?.string == "no-match-of-route")
                said = try await Self.explanation("/v2/component?filter=N:4", server)
                #expect(said["empty"]?["cause"]?.string == "no-match-of-filter")
                #expect(said["empty"]?["searched"] == .unsigned(5))
                try authorizer.say("allow principal=alice filter=_SYSTEMD_UNIT:none")
                said = try await Self.explanation("/v2/component", server)
                #expect(said["empty"]?["cause"]?.string == "no-entries")
                #expect(!"\(said)".contains("none"))
            }
        }
    }
}
