internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Handshakes, and what is the same with and without TLS.
    @Suite struct TLSTests {
        @Test(arguments: ["--http1.1", "--http2"])
        func `a range and a follow are the same bytes as without TLS`(version: String) async throws {
            try await withTLSServer { server, site, _ in
                for (target, accept) in [
                    ("/v1/range/", "application/json"), ("/v1/range/?limit=2", "text/plain"),
                    ("/v2/component?limit=3", "text/event-stream"),
                ] {
                    let plain = try await server.get(target, accept: accept)
                    #expect(plain.status == 200)
                    let (exit, output) = try await site.curl(target, [version, "-H", "Accept: \(accept)"])
                    #expect(exit == .status(0))
                    #expect(output == plain.text + "\n\(version == "--http2" ? "2" : "1.1") 200", "\(target)")
                }
            }
        }

        @Test func `a follow over TLS gets news`() async throws {
            try await withTLSServer { _, site, journal in
                async let numbers = site.connect { connection in
                    try connection.send(HTTPRequest("/v2/component", accept: "text/event-stream"))
                    _ = try connection.readHead()
                    return try connection.readEvents(entries: 7).filter(\.isEntry).map { $0.json?["fields"]?["N"]?.string }
                }
                try await Task.sleep(for: .milliseconds(500))
                try await journal.write([JournalEntry(6), JournalEntry(7)])
                let found = try await numbers
                #expect(found == ["1", "2", "3", "4", "5", "6", "7"])
            }
        }

        @Test(arguments: [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")])
        func `the client chooses the protocol in the handshake`(option: String, version: String) async throws {
            try await withTLSServer { _, site, _ in
                let output = try await site.curl("/healthz", [option]).output
                #expect(output == "ok\n\n\(version) 200")
            }
        }

        @Test(arguments: [
            ("1.2", "-tls1_1", false), ("1.2", "-tls1_2", true), ("1.2", "-tls1_3", true), ("1.3", "-tls1_2", false),
            ("1.3", "-tls1_3", true),
        ])
        func `versions older than the minimum are refused`(minimum: String, version: String, isSpoken: Bool) async throws {
            try await withTLSServer(settings: ["minimum": minimum]) { _, site, _ in
                // As low as OpenSSL goes, so that it is the server who refuses.
                let (exit, output) = try await site.handshake([version, "-cipher", "DEFAULT:@SECLEVEL=0"])
                #expect((exit == .status(0)) == isSpoken)
                #expect(output.contains("alert protocol version") != isSpoken, "\(output)")
            }
        }

        @Test func `what is no TLS harms nobody`() async throws {
            try await withTLSServer { server, site, _ in
                let noise = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
                let starts = [
                    Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), noise, [0x16, 3, 1, 0xff, 0xff] + noise,
                ]
                let port = site.port
                for start in starts {
                    let answer = try await blocking {
                        let connection = try HTTPConnection(.tcp(port: port))
                        try connection.send(start)
                        return try connection.readToEnd()
                    }
                    #expect(!answer.starts(with: Array("HTTP".utf8)))
                }
                #expect(try await site.curl("/healthz").exit == .status(0))
                #expect(try await server.get("/healthz").status == 200)
            }
        }

        @Test func `a handshake that is not finished is cut off`() async throws {
            try await withTLSServer(limits: ["header_read": "500ms"]) { _, site, _ in
                let port = site.port
                for start: [UInt8] in [[], [0x16, 3, 1, 2, 0]] {
                    try await blocking {
                        let connection = try HTTPConnection(.tcp(port: port), within: .seconds(5))
                        try connection.send(start)
                        try connection.expectClosed()
                    }
                }
            }
        }

        @Test func `a slow header and an idle connection are closed behind TLS too`() async throws {
            try await withTLSServer(limits: ["header_read": "500ms", "idle": "1s"]) { _, site, _ in
                for start in ["GET /healthz HTTP/1.1\r\nHost: local", ""] {
                    try await site.connect(within: .seconds(10)) { connection in
                        try connection.send(Array(start.utf8))
                        try connection.expectClosed()
                    }
                }
            }
        }

        @Test func `connections count from the first byte of their handshake`() async throws {
            try await withTLSServer(limits: ["connections": "2", "header_read": "60s"]) { server, site, _ in
                let port = site.port
                // Two are allowed, and 64 more would be told to come back. Which come first is not ours to say.
                let closed = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<80 {
                        group.addTask {
                            try await blocking {
                                let silent = try HTTPConnection(.tcp(port: port), within: .seconds(4))
                                return (try? silent.expectClosed()) != nil
                            }
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(closed == 14)
                var free = 0
                for _ in 0..<50 where free != 200 {
                    try await Task.sleep(for: .milliseconds(100))
                    free = (try? await server.get("/healthz").status) ?? 0
                }
                #expect(free == 200, "those that have gone are not counted")
            }
        }

        @Test func `a client that goes ends its follow`() async throws {
            try await withTLSServer(limits: ["followers": "1"]) { server, site, _ in
                let follow = HTTPRequest("/v2/component?cursor=END", accept: "text/event-stream")
                let (held, refused) = try await site.connect { connection in
                    try connection.send(follow)
                    let held = try connection.readHead().status
                    return (held, try HTTPConnection(server.address(.unix)).exchange(follow).status)
                }
                #expect(held == 200)
                #expect([429, 503].contains(refused))
                var status = 0
                for _ in 0..<40 where status != 200 {
                    try await Task.sleep(for: .milliseconds(100))
                    status = (try? await server.open(follow) { head, _ in head.status }) ?? 0
                }
                #expect(status == 200, "free again within four seconds")
            }
        }

        @Test func `a client that takes nothing loses its answer over TLS too`() async throws {
            let big = (1...400).map { JournalEntry($0, message: String(repeating: "x", count: 64 << 10)) }
            try await withTLSServer(limits: ["range_stall": "500ms"], entries: big) { _, site, _ in
                let isComplete = try await site.connect { connection in
                    try connection.send(HTTPRequest("/v1/range/"))
                    _ = try connection.readHead()
                    sleepThread(8)
                    do { while try connection.readPiece() != nil {} } catch {}
                    return connection.isComplete
                }
                #expect(!isComplete)
                let arguments = ["-o", "/dev/null", "-w", "%{size_download}"]
                let (exit, output) = try await site.curl("/v1/range/", arguments)
                #expect(exit == .status(0))
                #expect((Int(output) ?? 0) > 400 * (64 << 10))
            }
        }

        @Test(arguments: ["--http1.1", "--http2"])
        func `the host stops although a client takes nothing`(version: String) async throws {
            let big = (1...400).map { JournalEntry($0, message: String(repeating: "x", count: 64 << 10)) }
            try await withTLSServer(streams: ["shutdown": "1s"], entries: big) { server, site, _ in
                // Reads a little, and then waits for its own output.
                let client = try ChildProcess([
                    "sh", "-c", "curl -sN --cacert \(site.authorityFile) \(version) '\(site.url("/v1/range/"))' | sleep 30",
                ])
                defer { client.kill() }
                try await Task.sleep(for: .seconds(2))
                server.child.send(SIGTERM)
                #expect(try await server.child.waitForExit(within: .seconds(10)) == .status(0))
            }
        }
    }
}
