import Dispatch
import Glibc
import LogHost
import NIOCore
import PluginABI
import TestSupport
import Testing

@Suite struct HTTPCancelTests {
    @Test func `after a cancel nothing comes, and ids are never used again`() async throws {
        try await OutboundPlugin.with { plugin in
            let connected = Shared<[any Channel]>([])
            try await OutboundServer.with { _, channel in
                connected.withLock { $0.append(channel) }
            } _: { server in
                let record = OutboundRecord()
                let id = try plugin.request(.init(server.url), record)
                let isAsked = await eventually { connected.withLock { $0.count } == 1 }
                #expect(isAsked)
                plugin.cancel(id)
                record.cancelled()
                // Not all of it: behind a whole answer the connection could be kept for another request.
                connected.withLock { $0.first }?.send("HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nlate")
                // The server sees its connection go.
                let isClosed = await eventually { connected.withLock { $0.first?.isActive } == false }
                #expect(isClosed)
                let next = try plugin.request(.init(server.url), OutboundRecord.kept())
                #expect(next == id + 1)
                // Cancelled before it can have begun, and again.
                plugin.cancel(next)
                plugin.cancel(next)
                // Nobody's.
                for unknown in [0, id, next + 1, .max] {
                    plugin.cancel(unknown)
                    plugin.resume(unknown)
                }
                #expect(record.seen.completions == 0 && record.seen.violations.isEmpty)
                #expect(try plugin.count("cancelled") >= 1)
                let isEmpty = await eventually { plugin.inFlight == 0 }
                #expect(isEmpty)
            }
        }
    }

    @Test func `a cancel waits for the call back that is running`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond(body: "body")
            } _: { server in
                let order = Shared<[String]>([])
                let isInside = Shared(false)
                let mayLeave = Shared(false)
                let record = OutboundRecord(onComplete: { _ in
                    isInside.withLock { $0 = true }
                    for _ in 0..<10_000 where !mayLeave.withLock({ $0 }) { usleep(1_000) }
                    order.withLock { $0.append("call back") }
                })
                let id = try plugin.request(.init(server.url), record)
                let hasEntered = await eventually { isInside.withLock { $0 } }
                #expect(hasEntered)
                // Two at once: neither may return early because the other has seen to it. On threads of their own: they
                // wait, and there may be only two for tasks.
                let ended = Shared(0)
                for _ in 0..<2 {
                    DispatchQueue(label: "cancel").async {
                        plugin.cancel(id)
                        order.withLock { $0.append("cancel") }
                        ended.withLock { $0 += 1 }
                    }
                }
                try await Task.sleep(for: .milliseconds(200))
                mayLeave.withLock { $0 = true }
                let haveEnded = await eventually { ended.withLock { $0 } == 2 }
                #expect(haveEnded)
                #expect(order.withLock { $0 } == ["call back", "cancel", "cancel"])
                #expect(record.seen.completions == 1)
            }
        }
    }

    @Test(arguments: ["head", "chunk", "complete"])
    func `a cancel from within a call back makes that one the last`(_ place: String) async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.send("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n")
                channel.pour(400_000, into: Shared(0))
            } _: { server in
                let cancel: @Sendable (OutboundRecord) -> Void = { plugin.cancel($0.id) }
                let record = OutboundRecord(
                    onHead: { if place == "head" { cancel($0) } },
                    onChunk: {
                        if place == "chunk" { cancel($0) }
                        return true
                    }, onComplete: { if place == "complete" { cancel($0) } })
                var order = OutboundPlugin.Order(server.url)
                order.flags = LOGHOST_HTTP_STREAM
                try plugin.request(order, record)
                let isOver = await eventually { plugin.inFlight == 0 }
                #expect(isOver)
                let seen = record.seen
                #expect(seen.heads == 1 && seen.violations.isEmpty)
                switch place {
                case "head": #expect(seen.chunks == 0 && seen.completions == 0)
                case "chunk": #expect(seen.chunks >= 1 && seen.completions == 0)
                default: #expect(seen.byteCount == 400_000 && seen.completions == 1)
                }
            }
        }
    }

    @Test func `call backs that cancel each other's requests do not wait for each other`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { _, channel in
                channel.respond(body: "body")
            } _: { server in
                for _ in 0..<50 {
                    let ids = Shared<[UInt64]>([])
                    let records = (0..<8).map { _ in
                        OutboundRecord(onComplete: { _ in for id in ids.withLock({ $0 }) { plugin.cancel(id) } })
                    }
                    for record in records {
                        let id = try plugin.request(.init(server.url), record)
                        ids.withLock { $0.append(id) }
                    }
                    let isOver = await eventually { plugin.inFlight == 0 }
                    #expect(isOver)
                    #expect(records.allSatisfy { $0.seen.violations.isEmpty })
                }
            }
        }
    }

    @Test func `of a thousand requests cancelled at any moment none calls back afterwards`() async throws {
        try await OutboundPlugin.with { plugin in
            try await OutboundServer.with { request, channel in
                // Heads and bodies in pieces, so that there are many moments.
                channel.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<4 { channel.send("4\r\nbody\r\n") }
                channel.send("0\r\n\r\n")
            } _: { server in
                let results = Shared<(completed: Int, cancelled: Int)>((0, 0))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<4 {
                        group.addTask {
                            var random = SeededInputs(state: UInt64(worker))
                            for _ in 0..<250 {
                                try await Self.perform(plugin, server, &random, results)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let (completed, cancelled) = results.withLock { $0 }
                #expect(completed + cancelled == 1_000 && completed > 20 && cancelled > 20)
                let isOver = await eventually { plugin.inFlight == 0 }
                #expect(isOver)
            }
        }
    }

    private static func perform(
        _ plugin: OutboundPlugin, _ server: OutboundServer, _ random: inout SeededInputs,
        _ results: Shared<(completed: Int, cancelled: Int)>
    ) async throws {
        let pauses = Int.random(in: 0..<4, using: &random) == 0
        let record = OutboundRecord.kept(onChunk: { record in
            guard pauses else { return true }
            plugin.resume(record.id)
            return false
        })
        var order = OutboundPlugin.Order(server.url)
        order.flags = Bool.random(using: &random) ? LOGHOST_HTTP_STREAM : 0
        let id = try plugin.request(order, record)
        if Int.random(in: 0..<3, using: &random) > 0 {
            for _ in 0..<Int.random(in: 0..<30, using: &random) where record.seen.completions == 0 { usleep(5) }
            plugin.cancel(id)
            record.cancelled()
            // Room for a late one to show.
            try await Task.sleep(for: .milliseconds(1))
        } else if !pauses {
            let isOver = await eventually { record.seen.completions > 0 }
            #expect(isOver)
        } else {
            plugin.cancel(id)
            record.cancelled()
        }
        let seen = record.seen
        #expect(seen.violations.isEmpty)
        results.withLock { results in
            if seen.completions > 0 { results.completed += 1 } else { results.cancelled += 1 }
        }
    }
}

extension OutboundRecord {
    private static let all = Shared<[OutboundRecord]>([])

    /// Makes a record that is never freed: a late call back is to be seen, not to crash.
    static func kept(onChunk: @escaping @Sendable (OutboundRecord) -> Bool = { _ in true }) -> OutboundRecord {
        let record = OutboundRecord(onChunk: onChunk)
        self.all.withLock { $0.append(record) }
        return record
    }
}
