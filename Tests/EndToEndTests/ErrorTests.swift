internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct ErrorTests {
        /// Requests that cannot be served, with the status and a word that the body must hold.
        static let faults: [(String, Int, String)] = [
            ("/v1/range/?limit=abc", 400, "limit"), ("/v1/range/?skip_next=-1", 400, "skip_next"),
            ("/v1/range/?skip_prev=x", 400, "skip_prev"), ("/v1/range/?read_reverse=maybe", 400, "read_reverse"),
            ("/v1/range/?cursor=garbage", 400, "cursor"), ("/v1/range/?filter=nocolon", 400, "filter"),
            ("/v1/range/?filter=_private%20name:x", 400, "filter"), ("/v1/range/?since=yesterday", 400, "since"),
            ("/v1/range/?until=2023-13-01T00:00:00Z", 400, "until"), ("/v1/stream/?limit=1", 400, "limit"),
            ("/v1/range/download?postfix=a%0ab", 400, "postfix"), ("/v2/component?skip=x", 400, "skip"),
            ("/v2/component?limit=1.5", 400, "limit"), ("/v1/range/?follow=perhaps", 400, "follow"),
            ("/v1/range/?values=some", 400, "values"), ("/v1/fields/SECRET", 400, "field"), ("/nowhere/at/all", 404, ""),
            ("/v1/range/?cursor=\(Golden.gone)", 410, "cursor"),
        ]

        @Test(arguments: faults)
        func `who accepts JSON gets a problem`(target: String, status: Int, word: String) async throws {
            let answer = try await Golden.server.get(target, accept: "application/json")
            #expect(answer.status == status)
            #expect(answer.head.mediaType == "application/problem+json")
            let problem = try JSONValue(answer.text)
            #expect(problem["status"]?.unsigned == UInt64(status))
            #expect(problem["title"]?.string?.isEmpty == false, "a problem has a title")
            #expect(answer.text.contains(word))
        }

        @Test(arguments: faults)
        func `others get one plain line`(target: String, status: Int, word: String) async throws {
            let answer = try await Golden.server.get(target, accept: "text/plain")
            #expect(answer.status == status)
            #expect(answer.head.mediaType == "text/plain")
            #expect(answer.text.contains(word))
            #expect(answer.text.hasSuffix("\n"))
            #expect(answer.text.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "one line: \(answer.text)")
        }

        @Test(arguments: faults)
        func `an error holds neither address nor path nor request`(target: String, status: Int, word: String) async throws {
            let marked = target + (target.contains("?") ? "&" : "?") + "marker=d41d8cd98f"
            for accept in ["application/json", "text/plain"] {
                let answer = try await Golden.server.get(
                    marked, accept: accept, headers: ["Referer": "http://marker/"], over: .tcp)
                #expect(answer.status == status)
                for secret in ["d41d8cd98f", "127.0.0.1", "localhost", "/tmp/", "loghost-e2e", "/v1/", "/v2/", "nowhere/"] {
                    #expect(!answer.text.contains(secret), "\(answer.text)")
                }
            }
        }

        @Test func `a cursor that is gone names the oldest that passes the filter`() async throws {
            let answer = try await Golden.server.get(
                "/v2/component/beta.service?cursor=\(Golden.gone)", accept: "application/json")
            #expect(answer.status == 410)
            let second = try await Golden.server.get("/v2/component/beta.service?limit=1", accept: "application/json")
            let cursor = try #require(second.jsonLines.first?["cursor"]?.string)
            #expect(answer.text.contains(cursor))
        }

        @Test(arguments: ["/v1/range/?cursor=%zz", "/v1/range/?filter=A:%4", "/v2/component?x=%", "/v2/component/%g0"])
        func `broken percent-encoding is 400`(target: String) async throws {
            #expect(try await Golden.server.get(target).status == 400)
        }

        @Test func `what is not HTTP is refused and the server goes on`() async throws {
            let first = try await Golden.server.connect(within: .seconds(15)) { connection in
                try connection.send(Array("\u{16}\u{3}\u{1} nonsense\r\n\r\n".utf8))
                return try? connection.readHead().status
            }
            #expect(first ?? 400 == 400)
            #expect(try await Golden.server.get("/healthz").status == 200)
        }
    }
}
