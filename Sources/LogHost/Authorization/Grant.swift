internal import Glibc

/// What the authorizers have allowed a request, and for how long.
package struct Grant: Sendable, Hashable {
    /// Who; empty = nobody was identified.
    package var principal = ""
    /// The verified credential, for plugins that are granted it.
    package var credential = ""
    /// Added to every query.
    package var filter = LogFilter()
    /// Microseconds since the epoch; `.max` = never.
    package var expires = UInt64.max
    /// Ask again then.
    package var recheckAfter = Self.interval

    /// The host asks again at least this often.
    package static let interval = Duration.seconds(30)

    package init() {}

    /// True when an answer may no longer go on.
    package var hasExpired: Bool { self.expires != .max && microseconds(CLOCK_REALTIME) >= self.expires }

    /// Throws what a running answer ends with when its time is over.
    func check() throws(Problem) {
        if self.hasExpired { throw .authorizationEnded }
    }

    /// Adds what one more authorizer has said. The first to name a principal has verified it.
    mutating func add(_ decision: Decision) {
        if self.principal.isEmpty, !decision.principal.isEmpty {
            self.principal = decision.principal
            self.credential = decision.credential
        }
        guard decision.verdict == .allow else { return }
        self.filter = self.filter.and(decision.filter)
        if decision.expires != 0 { self.expires = min(self.expires, decision.expires) }
        if decision.recheckAfter != 0 {
            let wish = Duration.microseconds(Int64(clamping: decision.recheckAfter))
            self.recheckAfter = min(self.recheckAfter, max(wish, .seconds(1)))
        }
    }
}

extension Problem {
    /// What a running answer ends with.
    static let authorizationEnded = Problem(401, "The authorization of this answer has ended.")
}
