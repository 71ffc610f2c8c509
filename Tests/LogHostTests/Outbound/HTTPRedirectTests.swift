import LogHost
import PluginABI
import Testing

@Suite struct HTTPRedirectTests {
    @Test func `a redirect is an answer like any other`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond("302 Found", ["Location: /other"])
            } _: { server in
                let seen = try await plugin.answer(.init(server.url))
                #expect(seen.status == 302 && seen.headers["location"] == "/other")
                #expect(server.requests.withLock { $0.count } == 1)
            }
        }
    }

    @Test(arguments: [0, LOGHOST_HTTP_STREAM])
    func `a followed redirect keeps credentials at home and takes none elsewhere`(stream: Int) async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond(body: "there")
            } _: { other in
                let url = other.url
                try await OutboundServer.with { request, channel in
                    if request.hasPrefix("GET /first") {
                        channel.respond("307 Temporary Redirect", ["Location: second?x=1"], body: "not this")
                    } else {
                        channel.respond("301 Moved Permanently", ["Location: \(url)/third"])
                    }
                } _: { server in
                    var order = OutboundPlugin.Order(server.url + "/first")
                    order.flags = LOGHOST_HTTP_FOLLOW_REDIRECTS | stream
                    order.headers = [("Authorization", "Bearer secret"), ("Cookie", "a=b"), ("X-Kept", "1")]
                    let seen = try await plugin.answer(order)
                    #expect(seen.status == 200 && seen.code == LOGHOST_OK && seen.violations.isEmpty)
                    #expect(stream == 0 ? seen.text == "there" : seen.byteCount == 5 && seen.heads == 1)
                    let home = server.requests.withLock { $0 }
                    #expect(home.count == 2 && home.allSatisfy { $0.contains("Authorization: Bearer secret") })
                    #expect(home.last?.hasPrefix("GET /second?x=1 ") == true)
                    let away = try #require(other.requests.withLock { $0.first }).lowercased()
                    #expect(away.hasPrefix("get /third ") && away.contains("x-kept: 1"))
                    #expect(!away.contains("secret") && !away.contains("authorization") && !away.contains("cookie"))
                }
            }
        }
    }

    @Test func `a redirect of a post becomes a get, a permanent one does not`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { request, channel in
                if request.contains(" /see ") {
                    channel.respond("303 See Other", ["Location: /end"])
                } else if request.contains(" /same ") {
                    channel.respond("308 Permanent Redirect", ["Location: /end"])
                } else {
                    channel.respond()
                }
            } _: { server in
                for path in ["/see", "/same"] {
                    var order = OutboundPlugin.Order(server.url + path)
                    order.method = "POST"
                    order.body = "a body"
                    order.flags = LOGHOST_HTTP_FOLLOW_REDIRECTS
                    let seen = try await plugin.answer(order)
                    #expect(seen.status == 200)
                }
                let ends = server.requests.withLock { $0.filter { $0.contains(" /end ") } }
                #expect(ends.map { $0.hasSuffix("a body") } == [false, true])
                #expect(ends.map { String($0.prefix(4)) } == ["GET ", "POST"])
            }
        }
    }

    @Test func `the sixth redirect is an error`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond("302 Found", ["Location: /again"])
            } _: { server in
                var order = OutboundPlugin.Order(server.url)
                order.flags = LOGHOST_HTTP_FOLLOW_REDIRECTS
                let seen = try await plugin.answer(order)
                #expect(seen.code == LOGHOST_ERROR_UPSTREAM)
                #expect(server.requests.withLock { $0.count } == 6)
            }
        }
    }

    @Test(arguments: ["ftp://127.0.0.1/", "http://127.0.0.1:99999/", "http://user:word@127.0.0.1/", "http://"])
    func `a redirect that cannot be followed is the answer`(location: String) async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond("302 Found", ["Location: \(location)"])
            } _: { server in
                var order = OutboundPlugin.Order(server.url)
                order.flags = LOGHOST_HTTP_FOLLOW_REDIRECTS
                let seen = try await plugin.answer(order)
                #expect(seen.status == 302)
            }
        }
    }
}
