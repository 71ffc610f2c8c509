/// How a route's parameters are spelled (`LOGHOST_DIALECT_…`).
package enum Dialect: Hashable, Sendable {
    /// The answer is no log.
    case none
    /// skip_next, skip_prev, read_reverse, cursor, limit, filter.
    case journalV1
    /// skip, cursor, limit, filter.
    case journalV2
    /// As `journalV2`, for lines of files: no filter.
    case lines
}

/// When an answer goes on for ever (`LOGHOST_FOLLOW_…`).
package enum FollowMode: Hashable, Sendable {
    case never
    case always
    /// When the negotiated encoder is an event stream.
    case byAccept
}

/// Parameters beyond the dialect's own; one that is not accepted is ignored like an unknown one (`LOGHOST_ACCEPTS_…`).
package struct AcceptedParameters: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static let follow = AcceptedParameters(rawValue: 1)
    /// since and until.
    package static let bounds = AcceptedParameters(rawValue: 2)
    package static let postfix = AcceptedParameters(rawValue: 4)
    /// The header Last-Event-ID.
    package static let lastEventID = AcceptedParameters(rawValue: 8)
    /// read_reverse, where the dialect has it.
    package static let reverse = AcceptedParameters(rawValue: 16)
}

/// What of a route decides how its requests are read.
package struct RouteTraits: Hashable, Sendable {
    package var dialect: Dialect
    package var follow: FollowMode
    package var accepts: AcceptedParameters

    package init(dialect: Dialect, follow: FollowMode = .never, accepts: AcceptedParameters = []) {
        self.dialect = dialect
        self.follow = follow
        self.accepts = accepts
    }
}
