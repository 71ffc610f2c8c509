/// What a request for a log asks for, whatever the dialect it was spelled in.
package struct LogRequest: Sendable {
    package var query = LogQuery()
    package var landing = Landing.boundary
    /// The Last-Event-ID was that of an `end` event: there is nothing to go on with, and 204 tells a browser so.
    package var ended = false
    /// Repeated fields and bytes that are no text are to be shown as they are.
    package var exactValues = false
    /// A follow that does not keep up is to be disconnected, and not served from what is stored.
    package var disconnectsSlow = false
    /// What is to be appended to a download's file name.
    package var postfix: String?

    /// As it was asked for; nil where positions are those of lines.
    var position: JournalPosition?

    package init() {}

    /// Tells what X-Journal-Skip-Next and X-Journal-Skip-Prev say, given how many of the entries that `landing` speaks of
    /// were really moved over.
    package func skipHeaders(moved: UInt64) -> (next: UInt64, prev: UInt64) {
        self.position?.skips.done(moved: moved) ?? (0, 0)
    }

    /// Reads a request's parameters; throws a 400 that names the one that is wrong.
    ///
    /// `eventStream` says that the negotiated encoder is an event stream; `now` is in microseconds since the epoch.
    package static func parse(
        items: QueryItems, traits: RouteTraits, eventStream: Bool, lastEventID: String?, now: UInt64, limits: QueryLimits
    ) throws(Problem) -> LogRequest {
        var request = LogRequest()
        if traits.accepts.contains(.postfix) {
            request.postfix = try self.postfix(items)
        }
        request.query.follow = try self.follows(items, traits: traits, eventStream: eventStream)
        if traits.dialect != .none { request.disconnectsSlow = try self.disconnectsSlow(items) }
        let resumeAt = request.resume(lastEventID, traits: traits)

        switch traits.dialect {
        case .none:
            break
        case .journalV1:
            try request.readJournalV1(items, traits: traits, resumeAt: resumeAt)
            request.query.filter = try FilterParameter.parse(items, limits: limits)
            request.exactValues = try self.exactValues(items)
        case .journalV2:
            try request.readJournalV2(items, resumeAt: resumeAt)
            request.query.filter = try FilterParameter.parse(items, limits: limits)
            request.exactValues = try self.exactValues(items)
        case .lines:
            try request.readLines(items, resumeAt: resumeAt)
            request.exactValues = try self.exactValues(items)
        }
        if traits.accepts.contains(.bounds) {
            try request.readBounds(items, now: now)
        }
        return request
    }

    /// Takes in the header Last-Event-ID and answers the id, when there is one to resume at.
    ///
    /// It is never percent-decoded, and BEG and END are no special words in it: it is what this host once sent.
    private mutating func resume(_ lastEventID: String?, traits: RouteTraits) -> [UInt8]? {
        let isAccepted =
            switch traits.dialect {
            case .none: false
            // A range that is followed gives ids too.
            case .journalV1: traits.accepts.contains(.lastEventID) || self.query.follow
            case .journalV2, .lines: true
            }
        guard isAccepted, let lastEventID, !lastEventID.isEmpty else { return nil }
        self.query.resumes = true
        self.ended = lastEventID == "end" || lastEventID.utf8.starts(with: "end;".utf8)
        return Array(lastEventID.utf8)
    }

    /// Reads since and until. They also say where to begin where nothing else does, so that a source can seek instead of search.
    private mutating func readBounds(_ items: QueryItems, now: UInt64) throws(Problem) {
        if let since = items.given("since") {
            self.query.since = try TimeBound.parse(String(decoding: since, as: UTF8.self), parameter: "since", now: now)
        }
        if let until = items.given("until") {
            let time = try TimeBound.parse(String(decoding: until, as: UTF8.self), parameter: "until", now: now)
            // 0 would mean no bound, and so everything instead of nothing.
            self.query.until = max(time, 1)
        }
        guard self.query.skip == 0, self.landing == .boundary else { return }
        switch (self.query.direction, self.query.start) {
        case (.forward, .head) where self.query.since > 0:
            self.query.start = .time(microseconds: self.query.since)
        case (.backward, .tail) where self.query.until > 0 && self.query.until < .max:
            // The bound is inclusive, and a start is before the first entry at its time.
            self.query.start = .time(microseconds: self.query.until + 1)
        default:
            break
        }
    }

    private static func follows(_ items: QueryItems, traits: RouteTraits, eventStream: Bool) throws(Problem) -> Bool {
        let isAsked = traits.accepts.contains(.follow) ? try items.boolean("follow") ?? false : false
        return switch traits.follow {
        case .always: true
        case .byAccept: eventStream || isAsked
        case .never: isAsked
        }
    }

    private static func exactValues(_ items: QueryItems) throws(Problem) -> Bool {
        guard let value = items.given("values") else { return false }
        guard value.elementsEqual("exact".utf8) else {
            throw Problem(400, "The parameter values can only be exact.", parameter: "values")
        }
        return true
    }

    private static func disconnectsSlow(_ items: QueryItems) throws(Problem) -> Bool {
        guard let value = items.given("on_slow") else { return false }
        if value.elementsEqual("disconnect".utf8) { return true }
        if value.elementsEqual("wait".utf8) { return false }
        throw Problem(400, "The parameter on_slow can be wait or disconnect.", parameter: "on_slow")
    }

    private static func postfix(_ items: QueryItems) throws(Problem) -> String? {
        guard let value = items.given("postfix") else { return nil }
        guard value.count <= 255 else {
            throw Problem(400, "The parameter postfix is longer than 255 bytes.", parameter: "postfix")
        }
        guard
            !String(decoding: value, as: UTF8.self).unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw Problem(400, "The parameter postfix has a control character.", parameter: "postfix")
        }
        return String(decoding: value, as: UTF8.self)
    }
}
