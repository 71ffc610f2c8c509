import LogHost
import NIOCore
import PluginABI
import Testing

@Suite struct HTTPServiceTests {
    @Test func `an answer comes whole, with its status, headers and body`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { request, channel in
                channel.respond("200 OK", ["X-Name: Value", "Content-Encoding: gzip"], body: "not really zipped")
            } _: { server in
                var order = OutboundPlugin.Order("\(server.url)/a%2Fb/c//?x=%20y&z=%C3%A4&w=a+b#fragment")
                order.method = "POST"
                order.headers = [("X-Asked", "yes"), ("Authorization", "Bearer secret")]
                order.body = "a body"
                let seen = try await plugin.answer(order)
                #expect(seen.completions == 1 && seen.heads == 0 && seen.violations.isEmpty)
                #expect(seen.status == 200 && seen.code == LOGHOST_OK)
                #expect(seen.headers["x-name"] == "Value", "names in lower case")
                #expect(seen.text == "not really zipped", "nothing is decompressed")
                let request = try #require(server.requests.withLock { $0.first })
                #expect(request.hasPrefix("POST /a%2Fb/c//?x=%20y&z=%C3%A4&w=a+b HTTP/1.1\r\n"))
                #expect(request.lowercased().contains("\r\nhost: 127.0.0.1:\(server.port)\r\n"))
                #expect(request.contains("X-Asked: yes\r\n") && request.contains("Authorization: Bearer secret\r\n"))
                #expect(request.hasSuffix("\r\n\r\na body"))
            }
            let counted = try plugin.count("2xx")
            #expect(counted == 1)
            #expect(await eventually { plugin.inFlight == 0 })
        }
    }

    @Test(arguments: ["404 Not Found", "500 Internal Server Error", "304 Not Modified"])
    func `a status is an answer, not an error`(status: String) async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond(status)
            } _: { server in
                let seen = try await plugin.answer(.init(server.url))
                #expect(seen.code == LOGHOST_OK && "\(seen.status)" == status.prefix(3))
                let counted = try plugin.count("\(status.prefix(1))xx")
                #expect(counted == 1)
            }
        }
    }

    @Test func `a connection serves one request after the other`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond(body: "again")
            } _: { server in
                for _ in 0..<10 {
                    let text = try await plugin.answer(.init(server.url)).text
                    #expect(text == "again")
                }
                #expect(server.connections.withLock { $0 } == 1)
            }
        }
    }

    @Test func `a refused connection is an upstream error at once`() async throws {
        var port = 0
        try await OutboundServer.with { _, _ in
        } _: {
            port = $0.port
        }
        try await OutboundPlugin.with { plugin in
            var order = OutboundPlugin.Order("http://127.0.0.1:\(port)/secret?token=1")
            order.deadline = 3_600_000_000
            let seen = try await plugin.answer(order)
            #expect(seen.code == LOGHOST_ERROR_UPSTREAM)
            #expect(!seen.message.contains("127.0.0.1") && !seen.message.contains("secret") && !seen.message.contains("\(port)"))
            let counted = try plugin.count("upstream")
            #expect(counted == 1)
        }
    }

    @Test func `a deadline ends a request that has no answer, and one whose body does not end`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { request, channel in
                if request.hasPrefix("GET /half") { channel.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") }
            } _: { server in
                for path in ["/none", "/half"] {
                    var order = OutboundPlugin.Order(server.url + path)
                    order.deadline = 50_000
                    let seen = try await plugin.answer(order)
                    #expect(seen.code == LOGHOST_ERROR_TIMEOUT && seen.status == 0, "\(path)")
                }
                let counted = try plugin.count("timeout")
                #expect(counted == 2)
            }
        }
    }

    @Test func `a body over the capacity is a limit, one of exactly that size is not`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { request, channel in
                let count = request.hasPrefix("GET /long") ? 101 : 100
                // In chunks: no length says beforehand what will come.
                let pieces = String(repeating: "1\r\nx\r\n", count: count)
                channel.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(pieces)0\r\n\r\n")
            } _: { server in
                for (path, code) in [("/long", LOGHOST_ERROR_LIMIT), ("/exact", LOGHOST_OK)] {
                    var order = OutboundPlugin.Order(server.url + path)
                    order.capacity = 100
                    let seen = try await plugin.answer(order)
                    #expect(seen.code == code && seen.body.count == (code == LOGHOST_OK ? 100 : 0))
                }
            }
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le", "nonsense\r\n\r\n", "",
    ])
    func `an answer that breaks off or makes no sense is an upstream error`(answer: String) async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.writeAndFlush(ByteBuffer(string: answer)).whenComplete { _ in channel.close(promise: nil) }
            } _: { server in
                for flags in [0, LOGHOST_HTTP_STREAM] {
                    var order = OutboundPlugin.Order(server.url)
                    order.flags = flags
                    let seen = try await plugin.answer(order)
                    #expect(seen.code == LOGHOST_ERROR_UPSTREAM && seen.completions == 1 && seen.violations.isEmpty)
                }
            }
        }
    }

    @Test func `a header without end is an error`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                let field = "X-Field: \(String(repeating: "v", count: 9_000))"
                channel.respond("200 OK", Array(repeating: field, count: 10))
            } _: { server in
                let seen = try await plugin.answer(.init(server.url))
                #expect(seen.code == LOGHOST_ERROR_LIMIT)
            }
        }
    }

    @Test(arguments: [
        "", "/path", "ftp://host/", "file:///etc/passwd", "http+unix://%2Ftmp%2Fs/", "unix:///tmp/s", "http://", "http:///path",
        "http://user:word@127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:999999999/",
        "http://a b/", "http://127.0.0.1/a\r\nX-Evil: 1", "http://evil%0d%0aX-Evil:%201/", "http://127.0.0.1/ä",
    ])
    func `a URL that is none is refused`(url: String) async throws {
        try await OutboundPlugin.with { plugin in
            let refusal = plugin.refusal(.init(url))
            #expect(refusal?.code == LOGHOST_ERROR_INVALID)
            #expect(refusal?.message.hasPrefix("url: ") == true)
            let counted = try plugin.count("invalid")
            #expect(counted == 1)
        }
    }

    @Test(arguments: [
        ("X-A\r\nX-B", "v"), ("X-A", "v\r\nX-B: w"), ("X-A", "v\nw"), ("X-A", "v\0"), ("X-A", "v\u{7F}"), ("", "v"), ("X A", "v"),
        ("X-A:", "v"), ("Host", "other"), ("Content-Length", "5"), ("transfer-encoding", "chunked"), ("Connection", "close"),
        ("Upgrade", "h2c"), ("Expect", "100-continue"), ("TE", "trailers"),
    ])
    func `a header that would become another, or is the host's, is refused`(name: String, value: String) async throws {
        try await OutboundPlugin.with { plugin in
            var order = OutboundPlugin.Order("http://127.0.0.1:1/")
            order.headers = [("X-Good", "\tgood ä"), (name, value)]
            let refusal = plugin.refusal(order)
            #expect(refusal?.code == LOGHOST_ERROR_INVALID)
            #expect(refusal?.message.hasPrefix("headers: ") == true)
        }
    }

    @Test(arguments: ["", "GET /\r\n", "CONNECT", "TRACE", "G ET", "GET\0"])
    func `a method that is none is refused`(method: String) async throws {
        try await OutboundPlugin.with { plugin in
            var order = OutboundPlugin.Order("http://127.0.0.1:1/")
            order.method = method
            #expect(plugin.refusal(order)?.code == LOGHOST_ERROR_INVALID)
        }
    }

    @Test func `more than 256 open requests are refused, and an ended one makes place`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, _ in
            } _: { server in
                let records = (0..<256).map { _ in OutboundRecord() }
                let ids = try records.map { try plugin.request(.init(server.url), $0) }
                #expect(Set(ids).count == 256)
                #expect(plugin.refusal(.init(server.url))?.code == LOGHOST_ERROR_LIMIT)
                plugin.cancel(ids[7])
                let last = OutboundRecord()
                let isPlaced = await eventually { (try? plugin.request(.init(server.url), last)) != nil }
                #expect(isPlaced)
                #expect(plugin.refusal(.init(server.url))?.code == LOGHOST_ERROR_LIMIT)
                plugin.services.close()
                #expect(plugin.refusal(.init(server.url))?.code == LOGHOST_ERROR_UNAVAILABLE, "the instance has stopped")
                #expect(await eventually { plugin.inFlight == 0 })
                #expect(records.allSatisfy { $0.seen.completions == 0 })
            }
        }
    }
}
