internal import Synchronization

/// Writes one line of JSON (RFC 8259) for each decision. Refusals are rate-limited: whoever guesses must not fill the disk.
// Not through the log: at thousands of requests per second its dictionaries would cost more than the decisions.
package final class AuditLog: Sendable {
    private struct Allowance {
        var tokens = AuditLog.burst
        var refilledAt = ContinuousClock.now
        var suppressed = 0
    }

    /// Refusals in a row that are all written, and those per second after that.
    package static let burst = 100.0
    package static let rate = 10.0

    private let output: LogOutput
    private let allowance = Mutex(Allowance())

    package init(_ output: LogOutput = .standard) {
        self.output = output
    }

    package func record(_ ruling: Ruling, of subject: AuthorizationSubject, isRecheck: Bool = false) {
        guard let suppressed = self.takeAllowance(isRefusal: !ruling.result.isAllow) else { return }
        var line = RecordLine(event: "authorization", for: self.output)
        line.append("result", ruling.result.word)
        let peer = subject.peer
        let members: [(StaticString, String)] = [
            ("principal", ruling.principal), ("object", ruling.object), ("action", ruling.action), ("reason", ruling.reason),
            ("authorizer", ruling.authorizer), ("address", peer.address), ("method", subject.method), ("path", subject.path),
            ("route", subject.route), ("request", subject.requestID),
        ]
        for (name, value) in members { line.append(name, value) }
        if let unix = peer.unix {
            line.append("uid", number: Int(unix.uid))
            line.append("gid", number: Int(unix.gid))
            line.append("pid", number: Int(unix.pid))
        }
        line.append("certificate", peer.certificateSubject)
        if isRecheck { line.append("recheck", true) }
        if suppressed > 0 { line.append("suppressed", number: suppressed) }
        if self.output.write(line) { return }
        // Nobody reads what is written: an answer does not wait for that.
        self.allowance.withLock { $0.suppressed += suppressed + 1 }
    }

    /// Takes one from what refusals may still be written; nil when there is none. Returns how many records were left out before.
    private func takeAllowance(isRefusal: Bool) -> Int? {
        let now = ContinuousClock.now
        return self.allowance.withLock { allowance in
            if isRefusal {
                let passed = (now - allowance.refilledAt) / .seconds(1)
                allowance.tokens = min(Self.burst, allowance.tokens + passed * Self.rate)
                allowance.refilledAt = now
                guard allowance.tokens >= 1 else {
                    allowance.suppressed += 1
                    return nil
                }
                allowance.tokens -= 1
            }
            defer { allowance.suppressed = 0 }
            return allowance.suppressed
        }
    }
}

extension Ruling.Result {
    fileprivate var isAllow: Bool { if case .allow = self { true } else { false } }

    /// How the audit record calls it.
    package var word: String {
        switch self {
        case .allow: "allow"
        case .deny: "deny"
        case .unauthenticated: "unauthenticated"
        case .undecided: "undecided"
        }
    }
}
