internal import Testing

extension EndToEndTests {
    @Suite struct ConnectionLimitTests {
        private static let follow = HTTPRequest("/v2/component?cursor=END", accept: "text/event-stream")

        private static func withServer(
            _ limits: [String: String], tcp: Bool = false, more: [String] = [], entries: [JournalEntry] = [JournalEntry(1)],
            _ body: (LogHostProcess) async throws -> Void
        ) async throws {
            try await withJournal { journal in
                try await journal.write(entries)
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.limits = limits
                configuration.listensOnTCP = tcp
                configuration.more = more
                try await withLogHost(configuration, body)
            }
        }

        @Test func `a connection too many is told to come back later`() async throws {
            try await Self.withServer(["connections": "4"]) { server in
                let (held, refused) = try await server.connect { first in
                    let address = ServerAddress.unix(path: server.socket)
                    let others = try (0..<3).map { _ in try HTTPConnection(address) }
                    let held = try ([first] + others).map { try $0.exchange(HTTPRequest("/v1/range/")).status }
                    // Open until the one too many has its answer.
                    return try withExtendedLifetime((first, others)) {
                        (held, try HTTPConnection(address).exchange(HTTPRequest("/v1/range/")))
                    }
                }
                #expect(held == [200, 200, 200, 200])
                Self.expectRefusal(refused.head)
                try await Self.expectRecovery { try await server.get("/v1/range/").status }
            }
        }

        @Test func `a connection too many shuts out neither the others nor those who watch`() async throws {
            let port = try ServerAddress.freePort()
            let more = ["monitoring: {listen: [tcp://127.0.0.1:\(port)]}"]
            try await Self.withServer(["connections": "2"], more: more) { server in
                // What has looked whether it is ready has gone by then.
                try await Task.sleep(for: .milliseconds(300))
                try await blocking {
                    let address = try server.address(.unix)
                    let request = HTTPRequest("/v1/range/")
                    let held = try (0..<2).map { _ in try HTTPConnection(address) }
                    for connection in held { #expect(try connection.exchange(request).status == 200) }
                    let surplus = try HTTPConnection(address)
                    let refused = try surplus.exchange(request)
                    Self.expectRefusal(refused.head)
                    #expect(refused.head["Connection"] == "close")
                    try surplus.expectClosed()
                    // Many more than are told so.
                    let crowd = try (0..<70).map { _ in try HTTPConnection(address) }
                    let watcher = try HTTPConnection(ServerAddress.tcp(port: port))
                    #expect(try watcher.exchange(HTTPRequest("/healthz")).status == 200)
                    for connection in held { #expect(try connection.exchange(request).status == 200) }
                    withExtendedLifetime(crowd) {}
                }
            }
        }

        @Test func `a follow too many is told to come back later, until one goes`() async throws {
            try await Self.withServer(["followers": "2"]) { server in
                let refused = try await server.open(Self.follow) { _, _ in
                    let address = ServerAddress.unix(path: server.socket)
                    let second = try HTTPConnection(address)
                    try second.send(Self.follow)
                    _ = try second.readHead()
                    return try HTTPConnection(address).exchange(Self.follow)
                }
                Self.expectRefusal(refused.head)
                try await Self.expectRecovery { try await server.open(Self.follow) { head, _ in head.status } }
            }
        }

        @Test func `a client address has its own limit and unix sockets have none`() async throws {
            try await Self.withServer(["followers_per_address": "1"], tcp: true) { server in
                let (refused, local) = try await server.open(Self.follow, over: .tcp) { _, _ in
                    let refused = try HTTPConnection(server.address(.tcp)).exchange(Self.follow)
                    let locals = try (0..<2).map { _ in try HTTPConnection(server.address(.unix)) }
                    return (
                        refused,
                        try locals.map { connection in
                            try connection.send(Self.follow)
                            return try connection.readHead().status
                        }
                    )
                }
                Self.expectRefusal(refused.head)
                #expect(local == [200, 200])
            }
        }

        @Test func `behind a trusted proxy every client has its own limit`() async throws {
            let limits = ["followers_per_address": "1"]
            try await Self.withServer(limits, tcp: true, more: ["trusted_proxies: [127.0.0.1]"]) { server in
                let statuses = try await blocking {
                    var connections: [HTTPConnection] = []
                    return try ["10.0.0.1", "10.0.0.2", "10.0.0.1"].map { client in
                        let connection = try HTTPConnection(server.address(.tcp))
                        connections.append(connection)
                        try connection.send(
                            HTTPRequest(Self.follow.target, accept: "text/event-stream", headers: ["X-Forwarded-For": client]))
                        return try connection.readHead().status
                    }
                }
                #expect(statuses.prefix(2) == [200, 200])
                #expect([429, 503].contains(statuses.last))
            }
        }

        @Test func `a range too many is told to come back later, until the reader has gone`() async throws {
            let big = (1...400).map { JournalEntry($0, message: String(repeating: "x", count: 64 << 10)) }
            try await Self.withServer(["ranges": "1"], entries: big) { server in
                // Nobody reads the first answer: it stays under way until its client goes.
                let refused = try await server.open(HTTPRequest("/v1/range/")) { _, _ in
                    try HTTPConnection(server.address(.unix)).exchange(HTTPRequest("/v1/range/?limit=1"))
                }
                Self.expectRefusal(refused.head)
                try await Self.expectRecovery { try await server.get("/v1/range/?limit=1").status }
            }
        }

        @Test func `an answer that has ended takes no place`() async throws {
            let big = (1...100).map { JournalEntry($0, message: String(repeating: "x", count: 64 << 10)) }
            try await Self.withServer(["ranges": "1", "followers": "1"], entries: big) { server in
                for target in ["/v1/range/", "/v1/range/download", "/v1/range/?format=json", "/v1/range/?limit=1", "/v1/range/"] {
                    try await Self.expectRecovery { try await server.get(target).status }
                }
                for target in ["/v1/stream/", "/v2/component", "/v1/range/"] {
                    let head = HTTPRequest(target, method: "HEAD", accept: "text/event-stream")
                    try await Self.expectRecovery { try await server.send(head).status }
                }
                let ending = HTTPRequest("/v2/component?limit=2", accept: "text/event-stream")
                for _ in 0..<3 { try await Self.expectRecovery { try await server.send(ending).status } }
            }
        }

        /// An answer of many pieces, and one of a single piece that is more than a socket holds: then nobody waits for its writing any more.
        @Test(arguments: [(400, 64 << 10, "/v1/range/"), (15, 16 << 10, "/v1/range/?format=json")])
        func `a client that takes nothing loses its answer`(count: Int, size: Int, target: String) async throws {
            let entries = (1...count).map { JournalEntry($0, message: String(repeating: "x", count: size)) }
            try await Self.withServer(["range_stall": "500ms"], entries: entries) { server in
                let isComplete = try await server.open(HTTPRequest(target)) { _, connection in
                    sleepThread(3)
                    return try connection.readsWholeBody()
                }
                #expect(!isComplete)
                #expect(try await server.get("/v1/range/?limit=1").status == 200)
            }
        }

        @Test func `a slow header and an idle connection are closed`() async throws {
            try await Self.withServer(["header_read": "500ms", "idle": "700ms"]) { server in
                try await server.connect(within: .seconds(10)) { connection in
                    try connection.send(Array("GET /v1/range/ HTTP/1.1\r\nHost: local".utf8))
                    // A 408 before the end is as good.
                    if let head = try? connection.readHead(), head.status == 408 { while try connection.readPiece() != nil {} }
                    try connection.expectClosed()
                }
                try await server.connect(within: .seconds(10)) { connection in
                    _ = try connection.exchange(HTTPRequest("/v1/range/"))
                    try connection.expectClosed()
                }
            }
        }

        private static func expectRefusal(_ head: HTTPHead, _ location: SourceLocation = #_sourceLocation) {
            #expect([429, 503].contains(head.status), sourceLocation: location)
            #expect((head["Retry-After"].flatMap { Int($0) } ?? 0) > 0, "Retry-After in seconds", sourceLocation: location)
        }

        /// What a client held is free again soon after it has gone.
        private static func expectRecovery(_ attempt: () async throws -> Int) async throws {
            var status = 0
            for _ in 0..<40 where status != 200 {
                status = (try? await attempt()) ?? 0
                if status != 200 { try await Task.sleep(for: .milliseconds(100)) }
            }
            #expect(status == 200, "free again within four seconds")
        }
    }
}
