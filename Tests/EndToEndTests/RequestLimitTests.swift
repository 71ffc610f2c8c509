internal import Testing

extension EndToEndTests {
    @Suite(.goldenServer) struct RequestLimitTests {
        @Test(arguments: ["/v1/range/", "/v2/component"])
        func `32 filters are served and 33 are not`(path: String) async throws {
            let filters = (1...33).map { "filter=PRIORITY:\($0)" }
            let most = try await Golden.server.get("\(path)?limit=1&" + filters.dropLast().joined(separator: "&"))
            #expect(most.status == 200)
            let more = try await Golden.server.get("\(path)?limit=1&" + filters.joined(separator: "&"))
            #expect(more.status == 400)
            #expect(more.text.contains("filter"))
        }

        @Test func `a filter value of 4 KiB is served and one of 5 KiB is not`() async throws {
            for (count, status) in [(4096, 204), (4097, 400), (5120, 400)] {
                let value = String(repeating: "x", count: count)
                #expect(try await Golden.server.get("/v1/range/?filter=A:\(value)").status == status, "\(count) bytes")
            }
        }

        @Test(arguments: [9 << 10, 20 << 10])
        func `a request target beyond 8 KiB is 414`(count: Int) async throws {
            #expect(try await Golden.server.get("/v1/range/?x=\(String(repeating: "x", count: count))").status == 414)
            #expect(try await Golden.server.get("/v1/range/?limit=1&x=\(String(repeating: "x", count: 7 << 10))").status == 200)
        }

        @Test(arguments: [1, 60])
        func `a header beyond 32 KiB is 431`(count: Int) async throws {
            let value = String(repeating: "x", count: (40 << 10) / count)
            let headers = Dictionary(uniqueKeysWithValues: (0..<count).map { ("X-Filler-\($0)", value) })
            let answer = try await Golden.server.get("/v1/range/?limit=1", headers: headers)
            #expect(answer.status == 431)
            let half = Dictionary(
                uniqueKeysWithValues: headers.map { ($0.key, String($0.value.prefix($0.value.utf8.count / 2))) })
            #expect(try await Golden.server.get("/v1/range/?limit=1", headers: half).status == 200)
        }

        @Test func `a header that never ends is cut off and the server goes on`() async throws {
            let end = try await Golden.server.connect { connection in
                try connection.send(Array("GET /v1/range/ HTTP/1.1\r\nHost: localhost\r\n".utf8))
                let line = Array("X-A: \(String(repeating: "a", count: 1000))\r\n".utf8)
                // 4 MB: far beyond what a header may hold.
                for _ in 0..<4000 {
                    do { try connection.send(line) } catch { return "closed" }
                }
                return "taken"
            }
            #expect(end == "closed")
            #expect(try await Golden.server.get("/healthz").status == 200)
        }

        @Test func `a request's own body is no way in`() async throws {
            let request = HTTPRequest("/v1/range/?limit=1", headers: ["Content-Length": "5"])
            let answer = try await Golden.server.connect { connection in
                try connection.send(request.bytes + Array("hello".utf8))
                let head = try connection.readHead()
                return head.status
            }
            #expect([200, 400, 413].contains(answer))
            #expect(try await Golden.server.get("/healthz").status == 200)
        }
    }
}
