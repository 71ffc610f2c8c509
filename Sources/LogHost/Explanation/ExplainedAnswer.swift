internal import HTTPTypes
internal import NIOCore

/// Answers with what a request for a log means, and why nothing comes where nothing does, in place of entries.
struct ExplainedAnswer: Sendable {
    let site: Site
    let exchange: Exchange
    let grant: Grant
    let match: RouteTree<RouteTarget>.Match
    let log: LogRequest
    let encoder: EncoderHandle
    let lease: Lease
    let signal: FollowSignal

    private var route: RouteDescription { self.match.target.route }
    private var isLines: Bool { self.route.traits.dialect == .lines }

    func answer(_ request: SourceRequest) async throws {
        let connections = self.site.connections
        let channel = self.exchange.channel
        let checkClient = { @Sendable () throws -> Void in try connections.checkClient(of: channel) }
        let signal = self.signal
        connections.connection(of: channel)?.onGone { signal.end(.clientGone) }
        defer { connections.connection(of: channel)?.onGone(nil) }
        let deadline = NIODeadline.now() + TimeAmount(self.site.limits.scan)
        let members = try await self.site.workers.run {
            try checkClient()
            guard
                case .log(let topic, let condition) = try await self.match.target.source.resolve(
                    request, wakeID: self.lease.wakeID)
            else { throw PluginFailure(code: 1, message: "The source gave no log for a log's route.") }
            let search = EntrySearch(
                source: self.match.target.source, topic: topic, request: request, wakeID: self.lease.wakeID, signal: signal,
                eventLoop: channel.eventLoop, valueBytes: self.site.limits.valueBytes, deadline: deadline,
                checkClient: checkClient)
            return try await self.members(search, topic, condition)
        }
        // A search may have outlasted it.
        try self.grant.check()
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentType] = "application/json"
        head.headerFields[.cacheControl] = "no-cache"
        self.exchange.answer = .whole(head, ByteBuffer(string: JSONText.object(members) + "\n"))
    }

    private typealias Members = [(String, JSONText.Value)]

    private func members(_ search: EntrySearch, _ topic: [UInt8], _ condition: LogFilter) async throws -> Members {
        let restriction = self.isLines ? LogFilter() : self.grant.filter
        let asked = self.log.query.filter
        var query = self.log.query
        // As an operator would ask: he sees what the caller may not.
        query.filter = condition.and(asked)
        let command = self.match.target.plugin.explain?.command(topic: topic, query: query)
        query.filter = query.filter.and(restriction)

        let conditions: [JSONText.Value] = [("route", condition), ("request", asked)].flatMap { from, filter in
            filter.clauses.map { .object([("from", .text(from)), ("match", .text(EmptinessSearch.text($0)))]) }
        }
        var members: Members = [
            ("route", .text(self.match.template)), ("plugin", .text(self.match.target.plugin.name)),
            ("variables", .object(self.match.variables.map { ($0.name, .text($0.value)) })),
            ("format", .text(self.encoder.name)), ("follow", .bool(query.follow)), ("conditions", .array(conditions)),
            ("restricted", .bool(!restriction.clauses.isEmpty)),
        ]
        members += Self.place(query)
        if let command { members.append(("command", .text(command))) }

        let found = try await self.look(search, topic, query)
        members.append(("status", .number(self.status(found, follows: query.follow))))
        let emptiness: Emptiness
        switch found {
        case .something: return members
        case .invisible:
            emptiness = Emptiness(cause: .invisible, message: "Entries match, but this format shows nothing of them.")
        case .unknown: emptiness = .late
        case .nothing:
            emptiness = try await EmptinessSearch(
                search: search, query: query, restriction: restriction, condition: condition, asked: asked
            ).find()
        }
        let details = emptiness.details + (emptiness.cause == .noEntries ? self.state : [])
        members.append(
            (
                "empty", .object([("cause", .text(emptiness.cause.rawValue)), ("message", .text(emptiness.message))] + details)
            ))
        return members
    }

    /// The status of the answer that is explained.
    private func status(_ found: Found, follows: Bool) -> UInt64 {
        if follows { return 200 }
        return switch found {
        case .something: 200
        case .nothing, .invisible: self.isLines ? 200 : 204
        case .unknown: 503
        }
    }

    private enum Found {
        case something
        case nothing
        /// There are entries that the format writes nothing for.
        case invisible
        case unknown
    }

    /// Begins the answer as a range would, up to its first bytes.
    private func look(_ search: EntrySearch, _ topic: [UInt8], _ query: LogQuery) async throws -> Found {
        var log = self.log
        log.query = query
        log.query.follow = false
        let encoding = Encoding(
            self.encoder, route: self.route, log: log, grant: self.grant, maximumValueBytes: search.valueBytes)
        let opening = LogOpening(
            source: search.source, topic: topic, request: search.request, log: log, encoding: encoding, wakeID: search.wakeID,
            onGap: { _ in }, checkClient: search.checkClient, searchTime: self.site.limits.scan)
        let opened: LogOpening.Opened
        do {
            opened = try await opening.open()
        } catch is Problem {
            // The search that comes first has taken too long.
            return .unknown
        }
        defer { opened.stream.close() }
        var (bytes, outcome) = (opened.first, opened.outcome)
        while bytes.readableBytes == 0, outcome.continues {
            guard NIODeadline.now() < search.deadline else { return .unknown }
            try search.checkClient()
            if outcome == .pending { try await search.waitForNews() }
            outcome = opened.stream.fill(&bytes)
        }
        if bytes.readableBytes > 0 { return .something }
        if outcome == .fault { throw opened.stream.failure ?? PluginFailure.unexplained }
        return opened.stream.entriesGiven > 0 ? .invisible : .nothing
    }

    /// What the plugin says of itself, where the log has nothing at all.
    private var state: Members {
        let messages = (self.match.target.plugin.health?.check() ?? []).map(\.message).filter { !$0.isEmpty }
        return messages.isEmpty ? [] : [("plugin", .list(messages))]
    }

    /// Where reading begins and where it ends.
    private static func place(_ query: LogQuery) -> Members {
        var start: Members =
            switch query.start {
            case .head: [("at", .text("head"))]
            case .tail: [("at", .text("tail"))]
            case .cursor(let cursor): [("at", .text("cursor")), ("cursor", .text(String(decoding: cursor, as: UTF8.self)))]
            case .time(let time): [("at", .text("time")), ("time", .text(UTCTime.text(microseconds: time)))]
            }
        start.append(("skip", .integer(query.skip)))
        var members: Members = [
            ("start", .object(start)), ("direction", .text(query.direction == .forward ? "forward" : "backward")),
            ("limit", query.limit == 0 ? .null : .number(query.limit)),
        ]
        if query.since != 0 { members.append(("since", .text(UTCTime.text(microseconds: query.since)))) }
        if query.until != 0 { members.append(("until", .text(UTCTime.text(microseconds: query.until)))) }
        return members
    }
}
