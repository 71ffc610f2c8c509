internal import HTTPTypes
internal import NIOCore

/// Answers of routes that are no log: bytes that a plugin writes itself, redirects, and what is forwarded.
struct PlainAnswer: Sendable {
    let site: Site
    let exchange: Exchange
    let grant: Grant
    let plugin: PluginInstance
    let source: SourceHandle
    let isFollow: Bool
    let lease: Lease
    let signal: FollowSignal

    private static let pieceBytes = 256 << 10

    /// Returns the path that is to be served instead, when the source names one.
    func answer(_ request: SourceRequest) async throws -> String? {
        switch try await self.site.workers.run({ try await self.source.resolve(request, wakeID: self.lease.wakeID) }) {
        case .log:
            throw PluginFailure(code: 1, message: "The source gave a log for a route that is none.")
        case .proxy(let forward):
            guard !self.exchange.isForwarded else { throw Problem.loop }
            try self.grant.check()
            if forward.isLocal { return forward.location }
            try await ProxyAnswer(
                site: self.site, exchange: self.exchange, grant: self.grant, plugin: self.plugin.name, isFollow: self.isFollow,
                lease: self.lease, signal: self.signal
            ).answer(forward)
        case .redirect(let location):
            try self.grant.check()
            var head = HTTPResponse(status: .seeOther)
            head.headerFields[.location] = location
            self.exchange.answer = .whole(head, nil)
        case .bytes(let status, let headers, let stream):
            try await self.answer(status, headers, stream)
        }
        return nil
    }

    private func answer(_ status: Int, _ headers: [(name: String, value: String)], _ stream: ByteStreamHandle?) async throws {
        guard (200...599).contains(status) else {
            if let stream { await self.close(stream) }
            throw PluginFailure(code: 1, message: "The source gave no HTTP status.")
        }
        var head = HTTPResponse(status: .known(status))
        for header in headers {
            guard let name = HTTPField.Name(header.name), name != .contentLength, name != .transferEncoding, name != .connection
            else { continue }
            head.headerFields.append(HTTPField(name: name, value: header.value))
        }
        if head.headerFields[.cacheControl] == nil { head.headerFields[.cacheControl] = "no-cache" }
        guard let stream else {
            self.exchange.answer = .whole(head, nil)
            return
        }
        // RFC 9110, 6.4.1: what would come as a body there is the next answer to the client.
        if self.exchange.request.method == .head || [204, 205, 304].contains(status) {
            await self.close(stream)
            self.exchange.answer = .whole(head, nil)
            return
        }
        // Short answers go out whole, with their length.
        let first: Piece
        do {
            first = try await self.first(of: stream)
            // Waiting for it may have outlasted the authorization.
            try self.grant.check()
        } catch {
            await self.close(stream)
            throw error
        }
        if case .end(let bytes) = first {
            await self.close(stream)
            self.exchange.answer = .whole(head, ByteBuffer(bytes: bytes))
            return
        }
        self.exchange.answer = .streamed(head) { outbound in
            do {
                try await self.write(first, of: stream, to: outbound)
            } catch {
                await self.close(stream)
                throw error
            }
            await self.close(stream)
        }
    }

    /// The first piece: it decides the status, unless it is a follow's, whose head does not wait for news.
    private func first(of stream: ByteStreamHandle) async throws -> Piece {
        let limit = ContinuousClock.now + self.site.limits.scan
        while true {
            let piece = try await self.read(stream)
            guard !self.isFollow else { return piece }
            switch piece {
            case .pending: guard try await self.waitForWake(limit - .now) else { throw PluginFailure.silence }
            case .data(let bytes) where bytes.isEmpty:
                try self.site.connections.checkClient(of: self.exchange.channel)
                if .now > limit { throw PluginFailure.silence }
            case .data, .end: return piece
            }
        }
    }

    /// Waits for the plugin; false when it stays silent. Throws when nobody waits for it any more.
    private func waitForWake(_ time: Duration) async throws -> Bool {
        guard let client = self.site.connections.connection(of: self.exchange.channel) else { throw CancellationError() }
        return try await self.signal.waitForWake(TimeAmount(time), of: client, on: self.exchange.channel.eventLoop)
    }

    private func write(_ first: Piece, of stream: ByteStreamHandle, to outbound: Exchange.Outbound) async throws {
        let signal = self.signal
        let shutdown = self.isFollow ? self.site.shutdown.add { signal.end(.shutdown) } : nil
        if let subject = self.exchange.subject { self.site.authorization?.rechecks.add(signal, subject, self.grant) }
        defer {
            if let shutdown { self.site.shutdown.remove(shutdown) }
            self.site.authorization?.rechecks.remove(signal)
        }
        var piece = first
        var giveUp = ContinuousClock.now + self.site.limits.scan
        while true {
            if let refusal = signal.refusal { throw refusal }
            if signal.ending != nil { throw CancellationError() }
            switch piece {
            case .data(let bytes), .end(let bytes):
                if !bytes.isEmpty {
                    try await self.exchange.write(ByteBuffer(bytes: bytes), to: outbound)
                    giveUp = .now + self.site.limits.scan
                }
                if case .end = piece { return }
                // Pieces without bytes are no news: nothing is written, by which a client could be missed.
                try self.site.connections.checkClient(of: self.exchange.channel)
                if .now > giveUp { throw PluginFailure.silence }
            case .pending:
                // The head does not wait for the plugin.
                try await self.exchange.write([], to: outbound)
                guard try await self.waitForWake(self.site.limits.scan) else { throw CancellationError() }
            }
            try self.grant.check()
            piece = try await self.read(stream)
        }
    }

    private typealias Piece = ByteStreamHandle.Piece

    private func read(_ stream: ByteStreamHandle) async throws -> Piece {
        try await self.site.workers.call { try stream.read(limit: Self.pieceBytes) }
    }

    private func close(_ stream: ByteStreamHandle) async {
        _ = try? await self.site.workers.call { stream.close() }
    }
}
