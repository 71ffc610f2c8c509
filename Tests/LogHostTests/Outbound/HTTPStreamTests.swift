import LogHost
import NIOCore
import PluginABI
import Testing

@Suite struct HTTPStreamTests {
    @Test func `a stream gives its head, then its bytes, then its end`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.send("HTTP/1.1 206 Partial Content\r\nContent-Length: 300000\r\nX-Name: v\r\n\r\n")
                channel.pour(300_000, into: Shared(0))
            } _: { server in
                var order = OutboundPlugin.Order(server.url)
                order.flags = LOGHOST_HTTP_STREAM
                order.capacity = 10
                let seen = try await plugin.answer(order)
                #expect(seen.status == 206 && seen.headers["x-name"] == "v" && seen.heads == 1)
                #expect(seen.byteCount == 300_000 && seen.code == LOGHOST_OK && seen.violations.isEmpty)
            }
        }
    }

    @Test func `a stream's deadline covers the head, not the body`() async throws {
        try await OutboundPlugin.with { plugin in
            let channels = Shared<[any Channel]>([])
            try await OutboundServer.with { request, channel in
                guard request.hasPrefix("GET /body") else { return }
                channel.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo")
                channels.withLock { $0.append(channel) }
            } _: { server in
                var order = OutboundPlugin.Order(server.url + "/none")
                order.flags = LOGHOST_HTTP_STREAM
                order.deadline = 50_000
                let none = try await plugin.answer(order)
                #expect(none.code == LOGHOST_ERROR_TIMEOUT && none.heads == 0)
                order.url = server.url + "/body"
                order.deadline = 1_000_000
                let record = OutboundRecord()
                try plugin.request(order, record)
                let hasBegun = await eventually { record.seen.chunks == 1 }
                #expect(hasBegun)
                try await Task.sleep(for: .milliseconds(1_200))
                channels.withLock { $0.first }?.send("dy")
                let isOver = await eventually { record.seen.completions == 1 }
                #expect(isOver && record.seen.code == LOGHOST_OK && record.seen.byteCount == 4)
            }
        }
    }

    @Test func `a paused stream stops its server, and goes on where it was`() async throws {
        let total = 50 << 20
        try await OutboundPlugin.with { plugin in
            let sent = Shared(0)
            try await OutboundServer.with { _, channel in
                channel.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                channel.pour(total, into: sent)
            } _: { server in
                let isPaused = Shared(true)
                let record = OutboundRecord(onChunk: { _ in !isPaused.withLock { $0 } })
                var order = OutboundPlugin.Order(server.url)
                order.flags = LOGHOST_HTTP_STREAM
                let id = try plugin.request(order, record)
                // Before a pause, or just in time for the first.
                plugin.resume(id)
                let hasBegun = await eventually { record.seen.chunks >= 1 }
                #expect(hasBegun)
                var before = -1
                while sent.withLock({ $0 }) != before {
                    before = sent.withLock { $0 }
                    try await Task.sleep(for: .milliseconds(500))
                }
                #expect(before < total / 2, "what sockets hold, and no more")
                #expect(record.seen.chunks <= 2 && record.seen.byteCount < 1 << 20)
                isPaused.withLock { $0 = false }
                plugin.resume(id)
                plugin.resume(id)
                let isOver = await eventually { record.seen.completions == 1 }
                #expect(isOver && record.seen.byteCount == total && record.seen.violations.isEmpty)
            }
        }
    }

    @Test func `a resume from within the chunk that pauses is not lost`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                channel.pour(1_000_000, into: Shared(0))
            } _: { server in
                let record = OutboundRecord(onChunk: { record in
                    plugin.resume(record.id)
                    return false
                })
                var order = OutboundPlugin.Order(server.url)
                order.flags = LOGHOST_HTTP_STREAM
                try plugin.request(order, record)
                let isOver = await eventually { record.seen.completions == 1 }
                #expect(isOver && record.seen.byteCount == 1_000_000)
            }
        }
    }

    @Test func `a paused stream can be cancelled`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.send("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
                channel.pour(10_000_000, into: Shared(0))
            } _: { server in
                let record = OutboundRecord(onChunk: { _ in false })
                var order = OutboundPlugin.Order(server.url)
                order.flags = LOGHOST_HTTP_STREAM
                let id = try plugin.request(order, record)
                let hasBegun = await eventually { record.seen.chunks == 1 }
                #expect(hasBegun)
                plugin.cancel(id)
                record.cancelled()
                plugin.resume(id)
                let isOver = await eventually { plugin.inFlight == 0 }
                #expect(isOver && record.seen.completions == 0 && record.seen.violations.isEmpty)
            }
        }
    }
}
