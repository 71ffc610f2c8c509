internal import Synchronization

/// Counts the answers under way, in all, by principal and by client address, and refuses one too many.
package final class Admission: Sendable {
    package enum Kind: Sendable {
        case range
        case follow
    }

    /// An admitted answer; its place is free again when this goes.
    package final class Place: Sendable {
        private let admission: Admission
        private let kind: Kind
        private let keys: [String]

        fileprivate init(_ admission: Admission, _ kind: Kind, _ keys: [String]) {
            self.admission = admission
            self.kind = kind
            self.keys = keys
        }

        deinit { self.admission.release(self.kind, self.keys) }
    }

    private struct Counts {
        var total = 0
        var byKey: [String: Int] = [:]
    }

    private struct State {
        var ranges = Counts()
        var follows = Counts()

        subscript(_ kind: Kind) -> Counts {
            get { kind == .range ? self.ranges : self.follows }
            _modify {
                switch kind {
                case .range: yield &self.ranges
                case .follow: yield &self.follows
                }
            }
        }
    }

    private let limits: LiveLimits
    private let state = Mutex(State())

    package init(limits: LiveLimits) {
        self.limits = limits
    }

    /// Admits an answer. An empty principal or address is not counted by itself. Throws 429 for the client's own limits, 503 for the host's.
    package func enter(_ kind: Kind, principal: String, address: String) throws(Problem) -> Place {
        let limits = self.limits.current
        var bounds: [(key: String, limit: Int, of: String)] = []
        if !principal.isEmpty {
            bounds.append(
                (
                    "principal \(principal)", kind == .range ? limits.rangesPerPrincipal : limits.followersPerPrincipal,
                    "principal"
                ))
        }
        if !address.isEmpty {
            bounds.append(
                (
                    "address \(address)", kind == .range ? limits.rangesPerAddress : limits.followersPerAddress,
                    "client address"
                ))
        }
        let total = kind == .range ? limits.ranges : limits.followers
        let name = kind == .range ? "range answers" : "follows"
        let refusal = self.state.withLock { state -> Problem? in
            if state[kind].total >= total { return Problem(503, "Too many \(name) are under way.", retryAfter: 1) }
            for bound in bounds where state[kind].byKey[bound.key, default: 0] >= bound.limit {
                return Problem(429, "Too many \(name) of one \(bound.of) are under way.", retryAfter: 1)
            }
            state[kind].total += 1
            for bound in bounds { state[kind].byKey[bound.key, default: 0] += 1 }
            return nil
        }
        if let refusal { throw refusal }
        return Place(self, kind, bounds.map(\.key))
    }

    /// How many answers of a kind are under way.
    package func count(_ kind: Kind) -> Int { self.state.withLock { $0[kind].total } }

    private func release(_ kind: Kind, _ keys: [String]) {
        self.state.withLock { state in
            state[kind].total -= 1
            for key in keys {
                if state[kind].byKey[key] == 1 { state[kind].byKey[key] = nil } else { state[kind].byKey[key]? -= 1 }
            }
        }
    }
}
