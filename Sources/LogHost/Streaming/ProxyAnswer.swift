internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import PluginABI

/// Answers with what another server says: its head as it is, and its body piece by piece as it comes.
struct ProxyAnswer: Sendable {
    let site: Site
    let exchange: Exchange
    let grant: Grant
    /// The instance that has named the other server.
    let plugin: String
    /// It is counted as a follow already.
    let isFollow: Bool
    let lease: Lease
    let signal: FollowSignal

    /// How much longer than a range's search the other server may take until it answers.
    private static let patience = TimeAmount.seconds(10)

    func answer(_ forward: Forward) async throws {
        guard !ForwardedRequest.hasBeenForwarded(self.exchange.request) else { throw Problem.loop }
        let request = try await self.request(forward)
        let upstream = try self.site.forwarding.begin(
            request, for: self.plugin, waking: self.signal, on: self.exchange.channel.eventLoop)
        do {
            try await self.begin(upstream)
        } catch {
            upstream.cancel()
            throw error
        }
    }

    /// Makes the request. On a worker: files of TLS are read.
    private func request(_ forward: Forward) async throws -> ForwardedRequest {
        let (request, certificates) = (self.exchange.request, self.site.forwarding.certificates)
        do {
            return try await self.site.workers.call {
                try ForwardedRequest(forward, of: request, certificates: certificates)
            }
        } catch let failure as PluginFailure {
            self.site.logger.error(
                "a request cannot be forwarded", metadata: ["plugin": "\(self.plugin)", "reason": "\(failure.explanation)"])
            throw Problem(500, "The source named no server that can be asked.")
        }
    }

    private func begin(_ upstream: ForwardedExchange) async throws {
        let head = try HTTPResponse(forwarded: try await self.head(of: upstream))
        try self.grant.check()
        if self.exchange.request.method == .head || head.isEmpty {
            self.exchange.answer = .whole(head, nil)
            return
        }
        if head.isEventStream, !self.isFollow {
            self.lease.move(
                to: try self.site.admission.enter(
                    .follow, principal: self.grant.principal, address: self.exchange.clientAddress))
        }
        self.exchange.answer = .streamed(head) { outbound in
            defer { upstream.cancel() }
            try await self.watched(upstream, untilStop: head.isEventStream || self.isFollow) {
                try await self.pass(upstream, head, to: outbound)
            }
        }
    }

    /// Waits for the head of the other server's answer.
    private func head(of upstream: ForwardedExchange) async throws -> HTTPResponseHead {
        let deadline = NIODeadline.now() + TimeAmount(self.site.limits.scan) + Self.patience
        return try await self.watched(upstream, untilStop: false) {
            while true {
                if let head = try upstream.head() { return head }
                switch await self.signal.wait(until: deadline) {
                case .wake: continue
                case .timeout: throw PluginFailure.slow
                case .clientGone, .shutdown: throw CancellationError()
                case .refused(let problem): throw problem
                }
            }
        }
    }

    /// Runs a body that the client's leaving, the end of its authorization and, for a follow, the host's stop can end.
    private func watched<Value>(
        _ upstream: ForwardedExchange, untilStop: Bool, _ body: () async throws -> Value
    ) async throws -> Value {
        let signal = self.signal
        guard let connection = self.site.connections.connection(of: self.exchange.channel) else { throw CancellationError() }
        connection.onGone {
            signal.end(.clientGone)
            upstream.cancel()
        }
        let shutdown = untilStop ? self.site.shutdown.add { signal.end(.shutdown) } : nil
        self.site.follows.add(signal)
        if let subject = self.exchange.subject { self.site.authorization?.rechecks.add(signal, subject, self.grant) }
        defer {
            connection.onGone(nil)
            if let shutdown { self.site.shutdown.remove(shutdown) }
            self.site.follows.remove(signal)
            self.site.authorization?.rechecks.remove(signal)
        }
        return try await body()
    }

    private func pass(_ upstream: ForwardedExchange, _ head: HTTPResponse, to outbound: Exchange.Outbound) async throws {
        let limits = self.site.limits
        let isEndless = head.isEventStream || self.isFollow
        let stall = isEndless ? limits.followStall : limits.rangeStall
        var boundary = head.isEventStream && head.isOpen ? EventBoundary() : nil
        // The head does not wait for the first piece.
        try await self.exchange.write([], to: outbound)
        while true {
            if let ending = self.signal.ending {
                try await self.end(ending, canSay: boundary?.isBetweenEvents ?? false, outbound)
                return
            }
            switch upstream.take() {
            case .pieces(let pieces):
                for piece in pieces { boundary?.pass(piece) }
                try await self.exchange.write(pieces, to: outbound, stall: stall)
            case .end: return
            // Given up because the answer has to end is no failure of its own.
            case .failure(let failure) where self.signal.ending == nil: throw failure
            case .failure: continue
            case .nothing:
                let deadline = isEndless ? NIODeadline.distantFuture : .now() + TimeAmount(limits.scan) + Self.patience
                if await self.signal.wait(until: deadline) == .timeout { throw PluginFailure.slow }
            }
        }
    }

    /// Ends the answer before its time: an event stream between two events is told why, any other is cut off.
    private func end(_ reason: FollowSignal.Reason, canSay: Bool, _ outbound: Exchange.Outbound) async throws {
        let stall = self.site.limits.rangeStall
        switch reason {
        case .refused(let problem):
            let event = ByteBuffer(string: "event: fault\ndata: \(problem.data)\n\n")
            if canSay { try await self.exchange.write([event], to: outbound, stall: stall) }
            throw problem
        case .shutdown:
            guard canSay else { throw CancellationError() }
            try await self.exchange.write([ByteBuffer(string: ": the host is stopping\n\n")], to: outbound, stall: stall)
        case .clientGone, .wake, .timeout: throw CancellationError()
        }
    }
}
