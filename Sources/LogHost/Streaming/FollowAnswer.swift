internal import NIOCore

/// Answers with entries for ever: reads until caught up, then sleeps until a wake, the source's next look or a sign of life is due.
struct FollowAnswer: Sendable {
    let site: Site
    let exchange: Exchange
    let opened: LogOpening.Opened
    let encoder: EncoderHandle
    let lease: Lease
    let signal: FollowSignal

    private var stream: LogStream { self.opened.stream }

    func write(to outbound: Exchange.Outbound) async throws {
        let signal = self.signal
        let connection = self.site.connections.connection(of: self.exchange.channel)
        connection?.onGone { signal.end(.clientGone) }
        let shutdown = self.site.shutdown.add { signal.end(.shutdown) }
        do {
            // Gone before anybody could be told.
            guard connection != nil else { throw CancellationError() }
            try await self.follow(outbound)
        } catch {
            await self.leave(connection, shutdown)
            throw error
        }
        await self.leave(connection, shutdown)
    }

    private func leave(_ connection: ClientConnection?, _ shutdown: Int) async {
        connection?.onGone(nil)
        self.site.shutdown.remove(shutdown)
        _ = try? await self.site.workers.run { self.stream.close() }
    }

    private func follow(_ outbound: Exchange.Outbound) async throws {
        var chunk = self.opened.first
        var outcome = self.opened.outcome
        var lastWrite = ContinuousClock.now
        while true {
            if chunk.readableBytes > 0 {
                let bytes = chunk
                try await self.exchange.write(bytes, to: outbound)
                lastWrite = .now
            }
            switch outcome {
            case .more, .searching:
                break
            case .pending:
                try await self.wait(0, &lastWrite, outbound)
            case .caughtUp(let recheck):
                try await self.wait(recheck, &lastWrite, outbound)
            case .end, .limit:
                try await self.sendEnd(outcome == .limit ? "limit" : "end of log", outbound)
                return
            case .fault:
                // An event stream has said so; anything else must not end cleanly either.
                throw self.stream.failure ?? PluginFailure.unexplained
            }
            switch self.signal.ending {
            case .clientGone: throw CancellationError()
            case .shutdown:
                try await self.sendFarewell(outbound)
                return
            default: break
            }
            (chunk, outcome) = try await self.site.workers.run {
                var buffer = ByteBuffer()
                let outcome = self.stream.fill(&buffer)
                return (buffer, outcome)
            }
        }
    }

    /// Waits for news, giving signs of life meanwhile.
    private func wait(_ recheckMicroseconds: UInt64, _ lastWrite: inout ContinuousClock.Instant, _ outbound: Exchange.Outbound)
        async throws
    {
        let keepAlive = self.stream.keepAlive
        let interval = self.site.configuration.streams.keepAlive
        let recheck = recheckMicroseconds == 0 ? nil : ContinuousClock.now + .microseconds(Int64(clamping: recheckMicroseconds))
        while true {
            let life = lastWrite + interval
            let until = min(recheck ?? life, life)
            let left = max(.zero, until - .now)
            let reason = await self.signal.wait(TimeAmount(left), on: self.exchange.channel.eventLoop)
            guard reason == .timeout else { return }
            if ContinuousClock.now >= life {
                if !keepAlive.isEmpty, !self.stream.isInsideValue {
                    try await self.exchange.write(ByteBuffer(bytes: keepAlive), to: outbound)
                }
                lastWrite = .now
            }
            if let recheck, ContinuousClock.now >= recheck { return }
        }
    }

    /// Tells an event stream that this is all; a reconnect with the id is 204.
    private func sendEnd(_ reason: String, _ outbound: Exchange.Outbound) async throws {
        let cursor = String(decoding: self.stream.lastCursor, as: UTF8.self)
        let data = JSONText.object([("reason", .text(reason)), ("cursor", cursor.isEmpty ? .null : .text(cursor))])
        try await self.sendLast(outbound) { last in
            if self.encoder.isEventStream { try self.stream.append(event: "end", data: data, id: "end", to: &last) }
            try self.stream.finish(&last)
        }
    }

    /// The host stops: an event stream's client reconnects by itself.
    private func sendFarewell(_ outbound: Exchange.Outbound) async throws {
        try await self.sendLast(outbound) { last in
            try self.stream.finish(&last)
            if self.encoder.isEventStream { last.writeString(": the host is stopping\n\n") }
        }
    }

    private func sendLast(
        _ outbound: Exchange.Outbound, _ compose: @Sendable (inout ByteBuffer) throws -> Void
    ) async throws {
        let last = try await self.site.workers.run {
            var last = ByteBuffer()
            try compose(&last)
            return last
        }
        if last.readableBytes > 0 { try await self.exchange.write(last, to: outbound) }
    }
}
