internal import PluginABI

/// What one authorizer says, copied out of C.
package struct Decision: Sendable {
    package enum Verdict: Sendable {
        case allow
        case deny
        case unauthenticated
        case abstain
        case cannotDecide
    }

    package var verdict: Verdict
    package var principal = ""
    package var credential = ""
    package var challenge = ""
    /// Microseconds since the epoch; 0 = never.
    package var expires: UInt64 = 0
    /// Microseconds; 0 = the host's interval.
    package var recheckAfter: UInt64 = 0
    package var filter = LogFilter()
    package var reason = ""
    package var object = ""
    package var action = ""

    package init(_ verdict: Verdict, reason: String = "") {
        self.verdict = verdict
        self.reason = reason
    }

    init(_ decision: loghost_decision) {
        switch unsafe Int(decision.verdict) {
        case LOGHOST_ALLOW: self.verdict = .allow
        case LOGHOST_DENY: self.verdict = .deny
        case LOGHOST_UNAUTHENTICATED: self.verdict = .unauthenticated
        case LOGHOST_ABSTAIN: self.verdict = .abstain
        default: self.verdict = .cannotDecide
        }
        self.principal = unsafe decision.principal.text
        self.credential = unsafe decision.credential.text
        let challenge = unsafe decision.challenge.text
        // It becomes a header.
        self.challenge = challenge.utf8.allSatisfy { (0x20..<0x7F).contains($0) } ? challenge : ""
        self.expires = unsafe decision.expires_realtime_microseconds
        self.recheckAfter = unsafe decision.recheck_after_microseconds
        self.filter = unsafe LogFilter(decision.filter)
        self.reason = unsafe decision.reason.text
        self.object = unsafe decision.object.text
        self.action = unsafe decision.action.text
        // Nothing is allowed on conditions that the host does not understand.
        if self.verdict == .allow, !self.filter.isTrusted {
            self = Decision(.cannotDecide, reason: "filter")
        }
    }
}

extension LogFilter {
    /// True when it names trusted fields only, which no logging process can set itself: those the journal begins with one `_`.
    package var isTrusted: Bool {
        self.clauses.allSatisfy { clause in !clause.isEmpty && clause.allSatisfy { isTrustedName($0.name) } }
    }
}

private func isTrustedName(_ name: [UInt8]) -> Bool {
    let underscore = UInt8(ascii: "_")
    return (2...64).contains(name.count) && name[0] == underscore && name[1] != underscore
        && name.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == underscore }
}
