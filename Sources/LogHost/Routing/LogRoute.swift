internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import Synchronization

/// Answers a request whose route is known: parameters, resolution, and what kind of answer it leads to.
struct LogRoute {
    let site: Site
    let exchange: Exchange
    let match: RouteTree<RouteTarget>.Match
    let grant: Grant

    private var route: RouteDescription { self.match.target.route }

    /// Returns the path that is to be served instead, when there is one.
    func answer() async throws -> String? {
        let items = try QueryItems(self.exchange.queryString)
        let isLog = self.route.traits.dialect != .none
        // Parameters first: a request that is wrong in itself reaches no plugin.
        let encoder = isLog ? try self.chooseEncoder(items) : nil
        if let encoder { self.exchange.measure(route: self.match.template, format: encoder.name) }
        let log = try LogRequest.parse(
            items: items, traits: self.route.traits, eventStream: encoder?.isEventStream ?? false,
            lastEventID: self.exchange.request.headerFields[.lastEventID], now: microseconds(CLOCK_REALTIME),
            limits: QueryLimits(
                filters: self.site.limits.filters, filterValueBytes: self.site.limits.filterValueBytes
            ))
        let isExplained = isLog ? try items.boolean("explain") ?? false : false
        if log.ended {
            self.exchange.answer = .whole(HTTPResponse(status: .noContent, headerFields: [.cacheControl: "no-cache"]), nil)
            return nil
        }
        let place = try self.site.admission.enter(
            log.query.follow && !isExplained ? .follow : .range, principal: self.grant.principal,
            address: self.exchange.clientAddress)
        var request = SourceRequest(
            route: self.route.id, variables: self.match.variables, query: self.exchange.queryString,
            principal: self.grant.principal, requestID: self.exchange.id)
        request.filter = self.grant.filter
        request.path = self.exchange.path
        // Longer than a source's own limits: what it says of its failure is worth more.
        request.patience = self.site.limits.scan + .seconds(10)
        request.client = self.site.connections.connection(of: self.exchange.channel)
        if self.match.target.plugin.getsCredential { request.credential = self.grant.credential }
        let signal = FollowSignal()
        let wakeID = self.site.wakes.register { signal.wake() }
        let lease = Lease(place: place, wakes: self.site.wakes, wakeID: wakeID)
        guard let encoder else {
            return try await PlainAnswer(
                site: self.site, exchange: self.exchange, grant: self.grant, plugin: self.match.target.plugin,
                source: self.match.target.source, isFollow: log.query.follow, lease: lease, signal: signal
            )
            .answer(request)
        }
        if isExplained {
            try await ExplainedAnswer(
                site: self.site, exchange: self.exchange, grant: self.grant, match: self.match, log: log, encoder: encoder,
                lease: lease, signal: signal
            )
            .answer(request)
            return nil
        }
        let seat = log.query.follow ? try await self.takeSeat(signal) : nil
        let (opening, opened): (LogOpening, LogOpening.Opened)
        do {
            (opening, opened) = try await self.open(request, log, encoder, lease)
        } catch let failure as PluginFailure where log.query.resumes && failure.problem.parameter == "cursor" {
            throw failure.problem.ofLastEventID
        }
        var head = self.head(log, encoder, opened)
        if let seat {
            head.headerFields[.accelBuffering] = "no"
            if self.exchange.request.method == .head {
                try await self.site.workers.call { opened.stream.close() }
                self.exchange.answer = .whole(head, nil)
                return nil
            }
            let channel = self.exchange.channel
            let disconnect = { @Sendable () -> Void in channel.close(promise: nil) }
            let follower = Follower(
                opened, seat, opening: opening, tails: self.site.follows.tails, signal: signal,
                disconnect: log.disconnectsSlow ? disconnect : nil)
            let follow = FollowAnswer(
                site: self.site, exchange: self.exchange, grant: self.grant, follower: follower, lease: lease, signal: signal)
            self.exchange.answer = .streamed(head) { try await follow.write(to: $0) }
        } else {
            try await RangeAnswer(
                site: self.site, exchange: self.exchange, grant: self.grant, opened: opened, lease: lease, signal: signal,
                isLines: self.route.traits.dialect == .lines,
                gzip: self.route.coding == "gzip" ? try makeGzip() : nil
            ).answer(head)
        }
        return nil
    }

    private func chooseEncoder(_ items: QueryItems) throws(Problem) -> EncoderHandle {
        if !self.route.encoding.isEmpty {
            guard let fixed = self.site.encoders.first(where: { $0.name == self.route.encoding }) else {
                throw Problem(500, "The format \(self.route.encoding) is not loaded.")
            }
            return fixed
        }
        let choice = try Negotiation.choose(accept: self.exchange.accept, format: items.first("format"), offers: self.site.offers)
        return self.site.encoders[choice]
    }

    /// Waits for a seat among the follows that read for themselves.
    private func takeSeat(_ signal: FollowSignal) async throws -> Seats.Seat {
        let (seat, evicted) = self.site.follows.seats.take(signal)
        if let evicted { try await self.site.workers.call { evicted.close() } }
        if seat.isHeld { return seat }
        guard let connection = self.site.connections.connection(of: self.exchange.channel) else { throw CancellationError() }
        connection.onGone { signal.end(.clientGone) }
        let shutdown = self.site.shutdown.add { signal.end(.shutdown) }
        self.site.follows.add(signal)
        defer {
            connection.onGone(nil)
            self.site.shutdown.remove(shutdown)
            self.site.follows.remove(signal)
        }
        let deadline = NIODeadline.now() + TimeAmount(self.site.limits.scan)
        while !seat.isHeld {
            switch await signal.wait(until: deadline) {
            case .wake: continue
            case .timeout: throw Problem(503, "Too many follows are reading what is stored.", retryAfter: 1)
            case .clientGone, .shutdown: throw CancellationError()
            case .refused(let problem): throw problem
            }
        }
        try self.grant.check()
        return seat
    }

    private func open(_ request: SourceRequest, _ log: LogRequest, _ encoder: EncoderHandle, _ lease: Lease) async throws
        -> (LogOpening, LogOpening.Opened)
    {
        let source = self.match.target.source
        let encoding = Encoding(
            encoder, route: self.route, log: log, grant: self.grant, maximumValueBytes: self.site.limits.valueBytes)
        let restriction = self.route.traits.dialect == .lines ? LogFilter() : self.grant.filter
        let metrics = self.site.follows.metrics
        let tally = self.exchange.request.method == .head ? nil : self.exchange.tally
        let connections = self.site.connections
        let channel = self.exchange.channel
        let searchTime = self.site.limits.scan
        // A request that waited for a worker may have lost its client meanwhile.
        let checkClient = { @Sendable () throws -> Void in try connections.checkClient(of: channel) }
        return try await self.site.workers.run {
            try checkClient()
            guard case .log(let topic, let filter) = try await source.resolve(request, wakeID: lease.wakeID) else {
                throw PluginFailure(code: 1, message: "The source gave no log for a log's route.")
            }
            var log = log
            // The route's own condition first; the request's filter only narrows it.
            log.query.filter = filter.and(log.query.filter).and(restriction)
            let opening = LogOpening(
                source: source, topic: topic, request: request, log: log, encoding: encoding, wakeID: lease.wakeID,
                onGap: { metrics.countGap($0) }, onEntries: { tally?.add(entries: $0) }, checkClient: checkClient,
                searchTime: searchTime)
            var opened = try await opening.open()
            if !log.query.follow { try opened.completeIfEnded() }
            return (opening, opened)
        }
    }

    private func head(_ log: LogRequest, _ encoder: EncoderHandle, _ opened: LogOpening.Opened) -> HTTPResponse {
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = encoder.contentType
        head.headerFields[.cacheControl] = "no-cache"
        if self.route.encoding.isEmpty { head.headerFields[.vary] = "Accept" }
        if self.route.coding == "gzip" { head.headerFields[.contentType] = "application/gzip" }
        if !self.route.fileName.isEmpty {
            let name = Attachment.fileName(template: self.route.fileName, variables: self.match.variables, postfix: log.postfix)
            head.headerFields[.contentDisposition] = Attachment.header(fileName: name)
        }
        if self.route.skipHeaders {
            head.headerFields[.skipNext] = "\(opened.skipped.next)"
            head.headerFields[.skipPrev] = "\(opened.skipped.prev)"
        }
        return head
    }
}

/// What an answer holds while it lasts: its place among the others and its name for wakes.
final class Lease: Sendable {
    let wakeID: UInt64
    private let place: Mutex<Admission.Place>
    private let wakes: WakeRegistry

    init(place: Admission.Place, wakes: WakeRegistry, wakeID: UInt64) {
        self.place = Mutex(place)
        self.wakes = wakes
        self.wakeID = wakeID
    }

    deinit { self.wakes.remove(self.wakeID) }

    /// Takes another place among the answers and leaves its own.
    func move(to place: Admission.Place) { self.place.withLock { $0 = place } }
}
