internal import HTTPTypes
internal import NIOCore
internal import NIOPosix

/// Answers with entries up to the end of what there is: one buffer is written while the next is filled, never more.
struct RangeAnswer: Sendable {
    let site: Site
    let exchange: Exchange
    let grant: Grant
    let opened: LogOpening.Opened
    let lease: Lease
    let signal: FollowSignal
    let isLines: Bool
    let gzip: (any Gzip)?

    private var stream: LogStream { self.opened.stream }

    /// Decides the status, which needs the first bytes or the certainty that there are none.
    func answer(_ head: HTTPResponse) async throws {
        var head = head
        var first = self.opened.first
        var outcome = self.opened.outcome
        let deadline = ContinuousClock.now + self.site.limits.scan
        do {
            while first.readableBytes == 0, outcome.continues {
                (first, outcome) = try await self.next(deadline)
            }
        } catch {
            await self.close()
            throw error
        }
        if case .fault = outcome, first.readableBytes == 0 {
            await self.close()
            throw self.stream.failure ?? PluginFailure.unexplained
        }
        do {
            // A search may have outlasted it.
            try self.grant.check()
        } catch {
            await self.close()
            throw error
        }
        if outcome.continues || outcome == .fault {
            if self.exchange.request.method == .head {
                await self.close()
                self.exchange.answer = .whole(head, nil)
                return
            }
            let (start, ending) = (first, outcome)
            self.exchange.answer = .streamed(head) { outbound in
                try await self.write(start, ending, to: outbound)
            }
            return
        }
        if self.opened.isEmpty || first.readableBytes == 0, !self.isLines {
            await self.close()
            for name in [HTTPField.Name.contentType, .contentDisposition] { head.headerFields[name] = nil }
            head.status = .noContent
            self.exchange.answer = .whole(head, nil)
            return
        }
        self.exchange.answer = .whole(head, try await self.end(first))
    }

    private func write(_ first: ByteBuffer, _ firstOutcome: LogStream.Outcome, to outbound: Exchange.Outbound) async throws {
        var (chunk, outcome) = (first, firstOutcome)
        var deadline = ContinuousClock.now + self.site.limits.scan
        do {
            while outcome.continues {
                if chunk.readableBytes > 0 { deadline = ContinuousClock.now + self.site.limits.scan }
                let bound = deadline
                try self.grant.check()
                async let following = self.next(bound)
                if chunk.readableBytes > 0 {
                    let bytes = try await self.pack(chunk)
                    try await self.exchange.write(bytes, to: outbound)
                }
                (chunk, outcome) = try await following
            }
            if outcome == .fault {
                if chunk.readableBytes > 0 { try await self.exchange.write(self.pack(chunk), to: outbound) }
                throw self.stream.failure ?? PluginFailure.unexplained
            }
            let last = try await self.end(chunk)
            if last.readableBytes > 0 { try await self.exchange.write(last, to: outbound) }
        } catch {
            await self.close()
            throw error
        }
    }

    /// Compresses on a worker, when the answer is compressed.
    private func pack(_ chunk: ByteBuffer) async throws -> ByteBuffer {
        guard let gzip else { return chunk }
        return try await self.site.workers.call { try gzip.compress(chunk, isLast: false) }
    }

    /// Closes the reader and completes the last bytes.
    private func end(_ chunk: ByteBuffer) async throws -> ByteBuffer {
        if self.opened.isWhole, self.gzip == nil { return chunk }
        return try await self.site.workers.call {
            var last = chunk
            if !self.opened.isWhole {
                self.stream.close()
                // Mostly nothing: the bytes there are would be copied for it, because they are shared.
                var closing = ByteBuffer()
                try self.stream.finish(&closing)
                if closing.readableBytes > 0 { last.writeImmutableBuffer(closing) }
            }
            return try self.gzip?.compress(last, isLast: true) ?? last
        }
    }

    /// Fills the next buffer, going on over silence until the deadline.
    private func next(_ deadline: ContinuousClock.Instant) async throws -> (ByteBuffer, LogStream.Outcome) {
        while true {
            let (buffer, outcome) = try await self.site.workers.call {
                var buffer = ByteBuffer()
                while true {
                    let outcome = self.stream.fill(&buffer)
                    guard outcome == .searching else { return (buffer, outcome) }
                    try self.checkPatience(deadline)
                }
            }
            guard outcome == .pending, buffer.readableBytes == 0 else { return (buffer, outcome) }
            try self.checkPatience(deadline)
            // No thread waits for a source that has to wait itself; a client that leaves meanwhile ends the wait.
            let client = self.site.connections.connection(of: self.exchange.channel)
            _ = try await self.signal.waitForWake(
                TimeAmount(deadline - .now), of: client, on: self.exchange.channel.eventLoop)
        }
    }

    /// Throws when there is nobody to search for, or it takes too long.
    private func checkPatience(_ deadline: ContinuousClock.Instant) throws {
        try self.site.connections.checkClient(of: self.exchange.channel)
        guard ContinuousClock.now < deadline else { throw Problem.searchTimeout }
    }

    private func close() async {
        if self.opened.isWhole { return }
        _ = try? await self.site.workers.call { self.stream.close() }
    }
}

extension LogStream.Outcome {
    /// True when a range goes on.
    var continues: Bool {
        switch self {
        case .more, .searching, .pending: true
        case .caughtUp, .end, .limit, .fault: false
        }
    }
}
