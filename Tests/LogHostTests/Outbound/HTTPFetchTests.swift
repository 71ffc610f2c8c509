import LogHost
import NIOCore
import PluginABI
import PluginKit
import Testing

/// PluginKit over the real service: both sides of the C table.
@Suite struct HTTPFetchTests {
    private func host(_ plugin: OutboundPlugin) -> Host { unsafe Host(plugin.services.pointer) }

    @Test func `a fetch gives the whole answer`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond("404 Not Found", ["X-Name: v"], body: "no such thing")
            } _: { server in
                var request = HTTPRequest("PUT", server.url)
                request.headers = [("X-Asked", "yes")]
                request.body = Array("sent".utf8)
                let response = try await self.host(plugin).fetch(request)
                #expect(response.status == 404 && String(decoding: response.body, as: UTF8.self) == "no such thing")
                #expect(response.headers.contains { $0.name == "x-name" && $0.value == "v" })
                let sent = server.requests.withLock { $0.first ?? "" }
                #expect(sent.hasPrefix("PUT / ") && sent.contains("X-Asked: yes") && sent.hasSuffix("\r\n\r\nsent"))
            }
        }
    }

    @Test func `a fetch throws what went wrong`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { request, channel in
                if request.hasPrefix("GET /large") { channel.respond(body: "too much") }
            } _: { server in
                let host = self.host(plugin)
                var large = HTTPRequest("GET", server.url + "/large")
                large.bodyCapacity = 3
                var slow = HTTPRequest("GET", server.url)
                slow.deadline = .milliseconds(50)
                let wrong = HTTPRequest("GET", "ftp://127.0.0.1/")
                for (request, code) in [(large, PluginError.Code.limit), (slow, .timeout), (wrong, .invalid)] {
                    let error = await #expect(throws: PluginError.self) { try await host.fetch(request) }
                    #expect(error?.code == code)
                    #expect(error?.message.isEmpty == false)
                }
                let nobody = await #expect(throws: PluginError.self) { try await Host(name: "none").fetch(slow) }
                #expect(nobody?.code == .unavailable)
            }
        }
    }

    @Test func `a cancelled fetch gives its request up`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, _ in
            } _: { server in
                let host = self.host(plugin)
                let url = server.url
                let task = Task { try await host.fetch(HTTPRequest("GET", url)) }
                let isAsked = await eventually { server.requests.withLock { $0.count } == 1 }
                #expect(isAsked)
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                let isOver = await eventually { plugin.inFlight == 0 }
                #expect(isOver)
                // Cancelled before it begins: nobody is asked.
                let late = Task {
                    while !Task.isCancelled { await Task.yield() }
                    return try await host.fetch(HTTPRequest("GET", url))
                }
                late.cancel()
                await #expect(throws: CancellationError.self) { try await late.value }
                #expect(server.requests.withLock { $0.count } == 1)
            }
        }
    }

    @Test func `fetches cancelled at any moment end once`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond(body: "body")
            } _: { server in
                let host = self.host(plugin)
                let url = server.url
                for round in 0..<300 {
                    let task = Task { try await host.fetch(HTTPRequest("GET", url)) }
                    for _ in 0..<(round % 40) { await Task.yield() }
                    task.cancel()
                    switch await task.result {
                    case .success(let response): #expect(response.body.count == 4)
                    case .failure(let error): #expect(error is CancellationError)
                    }
                }
                let isOver = await eventually { plugin.inFlight == 0 }
                #expect(isOver)
            }
        }
    }

    @Test func `a stream gives its body in order, as fast as it is taken`() async throws {
        let total = 40 << 20
        try await OutboundPlugin.with { plugin in
            let sent = Shared(0)
            try await OutboundServer.with { _, channel in
                channel.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                channel.pour(total, into: sent)
            } _: { server in
                let stream = try await self.host(plugin).stream(HTTPRequest("GET", server.url))
                #expect(stream.status == 200)
                #expect(stream.headers.contains { $0.name == "content-length" && $0.value == "\(total)" })
                var before = -1
                while sent.withLock({ $0 }) != before {
                    before = sent.withLock { $0 }
                    try await Task.sleep(for: .milliseconds(500))
                }
                #expect(before < total / 2)
                var count = 0
                for try await chunk in stream {
                    #expect(!chunk.isEmpty)
                    count += chunk.count
                }
                #expect(count == total)
                let isOver = await eventually { plugin.inFlight == 0 }
                #expect(isOver)
            }
        }
    }

    @Test func `a stream that breaks off throws behind its last bytes`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")).whenComplete { _ in
                    channel.close(promise: nil)
                }
            } _: { server in
                let stream = try await self.host(plugin).stream(HTTPRequest("GET", server.url))
                var text = ""
                let error = await #expect(throws: PluginError.self) {
                    for try await chunk in stream { text += String(decoding: chunk, as: UTF8.self) }
                }
                #expect(error?.code == .upstream && text == "half")
            }
        }
    }

    @Test func `a stream nobody takes any more is given up`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
                channel.pour(100_000_000, into: Shared(0))
            } _: { server in
                let host = self.host(plugin)
                let url = server.url
                func takeOne() async throws {
                    for try await _ in try await host.stream(HTTPRequest("GET", url)) { break }
                }
                try await takeOne()
                let isDropped = await eventually { plugin.inFlight == 0 }
                #expect(isDropped)
                let task = Task {
                    var count = 0
                    for try await chunk in try await host.stream(HTTPRequest("GET", url + "/silent")) {
                        count += chunk.count
                        try await Task.sleep(for: .seconds(60))
                    }
                    return count
                }
                let hasBegun = await eventually { plugin.inFlight == 1 }
                #expect(hasBegun)
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                let isCancelled = await eventually { plugin.inFlight == 0 }
                #expect(isCancelled)
                let stream = try await host.stream(HTTPRequest("GET", url))
                stream.cancel()
                await #expect(throws: CancellationError.self) { for try await _ in stream {} }
            }
        }
    }
}
