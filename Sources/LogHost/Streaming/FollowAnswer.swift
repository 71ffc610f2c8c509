internal import NIOCore

/// Answers with entries for ever: carries out what the follower says, and gives signs of life meanwhile.
struct FollowAnswer: Sendable {
    let site: Site
    let exchange: Exchange
    let grant: Grant
    let follower: Follower
    let lease: Lease
    let signal: FollowSignal

    /// How long a follow that is not at the live end waits before it looks again.
    private static let patience = TimeAmount.seconds(1)
    /// How long a client may take nothing while it keeps others from a seat.
    private static let seatStall = Duration.seconds(5)
    /// How often a reader is tried to be opened that the source cannot open now.
    private static let attempts = 5

    func write(to outbound: Exchange.Outbound) async throws {
        let signal = self.signal
        let connection = self.site.connections.connection(of: self.exchange.channel)
        connection?.onGone { signal.end(.clientGone) }
        let shutdown = self.site.shutdown.add { signal.end(.shutdown) }
        self.site.follows.add(signal)
        if let subject = self.exchange.subject { self.site.authorization?.rechecks.add(signal, subject, self.grant) }
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
        self.site.follows.remove(self.signal)
        self.site.authorization?.rechecks.remove(self.signal)
        _ = try? await self.site.workers.call { self.follower.close() }
    }

    private func follow(_ outbound: Exchange.Outbound) async throws {
        // The head goes out at once; a client that does not take it keeps nobody from a seat.
        try await self.write([], mayHaveToWait: !self.exchange.channel.isWritable, to: outbound)
        var lastWrite = NIODeadline.now()
        var attempts = 0
        var seat: Seats.Seat?
        while true {
            switch self.signal.ending {
            case .clientGone: throw CancellationError()
            case .shutdown:
                try await self.sendFarewell(outbound)
                return
            case .refused(let problem):
                if !self.follower.isInside { try await self.sendFault(problem, outbound) }
                throw problem
            case .wake, .timeout, nil: break
            }
            switch try await self.step() {
            case .write(let buffers, let readAt):
                if try await self.write(buffers, to: outbound) { lastWrite = .now() }
                if let readAt { self.site.follows.metrics.recordDelay(since: readAt) }
            case .search:
                try await self.yieldSeat()
            case .wait:
                try await self.wait(&lastWrite, outbound)
            case .open:
                if seat == nil { seat = try await self.takeSeat() }
                guard let held = seat, held.isHeld else {
                    try await self.wait(&lastWrite, outbound)
                    break
                }
                seat = nil
                attempts += 1
                if try await self.open(held, isLast: attempts == Self.attempts, outbound) {
                    attempts = 0
                } else {
                    try await self.wait(&lastWrite, outbound)
                }
            case .end(let reason):
                try await self.sendEnd(reason, outbound)
                return
            case .fault(let isSaid):
                let failure = self.follower.failure ?? .unexplained
                if !isSaid { try await self.sendFault(failure.problem, outbound) }
                throw failure
            case .disconnect:
                throw CancellationError()
            }
        }
    }

    private func step() async throws -> Follower.Step {
        guard self.follower.needsWorker else { return self.follower.step() }
        return try await self.site.workers.call { self.follower.step() }
    }

    private func takeSeat() async throws -> Seats.Seat {
        let (seat, evicted) = self.site.follows.seats.take(self.signal)
        if let evicted { try await self.site.workers.call { evicted.close() } }
        return seat
    }

    /// Opens a reader; false when the source may be able to do that later.
    private func open(_ seat: Seats.Seat, isLast: Bool, _ outbound: Exchange.Outbound) async throws -> Bool {
        let follower = self.follower
        do {
            let opened = try await self.site.workers.run {
                let limit = follower.limitLeft == .max ? 0 : follower.limitLeft
                return try await follower.opening.open(at: follower.place, limit: limit, leavingOut: follower.remembered)
            }
            follower.attach(opened, seat)
            return true
        } catch let failure as PluginFailure {
            if failure.retryable, !isLast { return false }
            try await self.sendFault(failure.problem, outbound)
            throw failure
        }
    }

    /// Waits for news; gives a sign of life when it is due.
    private func wait(_ lastWrite: inout NIODeadline, _ outbound: Exchange.Outbound) async throws {
        let life = lastWrite + TimeAmount(self.site.configuration.streams.keepAlive)
        let deadline = self.follower.isLive ? life : min(life, .now() + Self.patience)
        guard await self.signal.wait(until: deadline) == .timeout, .now() >= life else { return }
        let keepAlive = self.follower.keepAlive
        // Where bytes wait for the client another one tells nothing, and waiting for its room would keep a seat that is given meanwhile.
        if !keepAlive.isEmpty, !self.follower.isInside, self.exchange.channel.isWritable {
            _ = try await self.write([ByteBuffer(bytes: keepAlive)], to: outbound)
        }
        lastWrite = .now()
    }

    /// Writes; false when there was nothing. The reader may be given to others meanwhile.
    private func write(_ buffers: [ByteBuffer], to outbound: Exchange.Outbound) async throws -> Bool {
        let count = buffers.reduce(0) { $0 + $1.readableBytes }
        guard count > 0 else { return false }
        try await self.write(buffers, mayHaveToWait: self.exchange.mayHaveToWait(bytes: count), to: outbound)
        return true
    }

    private func write(_ buffers: [ByteBuffer], mayHaveToWait: Bool, to outbound: Exchange.Outbound) async throws {
        guard mayHaveToWait else {
            try await self.exchange.write(buffers, to: outbound)
            return
        }
        if let lost = self.follower.park() { try await self.site.workers.call { lost.close() } }
        defer { self.follower.unpark() }
        // Nobody else can have a seat that is kept in the middle of an entry.
        let followStall = self.site.limits.followStall
        let stall = self.follower.keepsSeat ? min(Self.seatStall, followStall) : followStall
        try await self.exchange.write(buffers, to: outbound, stall: stall)
    }

    /// Lets who waits for a seat have this one, when a search goes on and on.
    private func yieldSeat() async throws {
        // A reader opened anew searches from the same place on: only after a while is it somebody else's turn.
        guard self.site.follows.seats.areWanted, self.follower.hasSearched(for: TimeAmount(self.site.limits.scan)) else { return }
        if let lost = self.follower.park() { try await self.site.workers.call { lost.close() } }
        self.follower.unpark()
    }

    // MARK: The last bytes

    /// Tells an event stream that this is all; a reconnect with the id is 204.
    private func sendEnd(_ reason: String, _ outbound: Exchange.Outbound) async throws {
        var cursor = JSONText.Value.null
        // The place may be another's entry, which the filter has passed over.
        if case .cursor(let bytes) = self.follower.place, !self.follower.opening.encoding.isRestricted {
            cursor = .text(String(decoding: bytes, as: UTF8.self))
        }
        let data = JSONText.object([("reason", .text(reason)), ("cursor", cursor)])
        try await self.send(event: "end", data: data, id: "end", isComplete: true, outbound)
    }

    /// Tells an event stream that the source failed; it may come back with its last id.
    private func sendFault(_ problem: Problem, _ outbound: Exchange.Outbound) async throws {
        try await self.send(event: "fault", data: problem.data, id: "", isComplete: false, outbound)
    }

    /// The host stops: an event stream's client reconnects by itself.
    private func sendFarewell(_ outbound: Exchange.Outbound) async throws {
        if self.follower.isInside || self.follower.isIncomplete { throw CancellationError() }
        try await self.send(event: nil, data: "", id: "", isComplete: true, outbound)
    }

    private func send(event: String?, data: String, id: String, isComplete: Bool, _ outbound: Exchange.Outbound) async throws {
        let encoding = self.follower.opening.encoding
        let isEventStream = encoding.encoder.isEventStream
        let last = try await self.site.workers.call {
            let state = try encoding.begin()
            var last = ByteBuffer()
            if isEventStream, let event { try state.append(event: event, data: data, id: id, to: &last) }
            if isComplete { try state.finish(&last) }
            if isEventStream, event == nil { last.writeString(": the host is stopping\n\n") }
            return last
        }
        if last.readableBytes > 0 {
            try await self.exchange.write([last], to: outbound, stall: self.site.limits.rangeStall)
        }
    }
}
