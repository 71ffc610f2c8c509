/// Why a query gives no entry.
///
/// A restriction by the authorizers holds for every search: what a caller may not read counts as not there.
struct Emptiness {
    enum Cause: String {
        case noEntries = "no-entries"
        case noMatchOfRoute = "no-match-of-route"
        case noMatchOfFilter = "no-match-of-filter"
        case afterNewest = "after-newest"
        case beforeOldest = "before-oldest"
        case nothingThere = "nothing-there"
        case invisible
        case notFoundInTime = "not-found-in-time"
    }

    static let late = Emptiness(cause: .notFoundInTime, message: "There is too much to look through in the time allowed.")

    var cause: Cause
    /// One sentence for people.
    var message: String
    /// What belongs to it, in the words of the JSON document.
    var details: [(String, JSONText.Value)] = []
}

/// Finds it out, from the widest question to the narrowest.
struct EmptinessSearch {
    let search: EntrySearch
    /// As it was asked, with the whole filter.
    let query: LogQuery
    let restriction: LogFilter
    /// The route's own condition.
    let condition: LogFilter
    /// The request's filter.
    let asked: LogFilter

    private static let countCapacity: UInt64 = 100_000

    /// On a worker.
    func find() async throws -> Emptiness {
        switch try await self.exists(self.restriction) {
        case nil: return .late
        case false: return Emptiness(cause: .noEntries, message: "The log has no entries.")
        case true: break
        }
        let ofRoute = self.restriction.and(self.condition)
        if !self.condition.clauses.isEmpty {
            switch try await self.exists(ofRoute) {
            case nil: return .late
            case false:
                return Emptiness(
                    cause: .noMatchOfRoute, message: "No entry matches the route's own condition.",
                    details: [("unmatched", .list(self.condition.clauses.map(Self.text)))])
            case true: break
            }
        }
        if !self.asked.clauses.isEmpty {
            switch try await self.exists(ofRoute.and(self.asked)) {
            case nil: return .late
            case false: return try await self.unmatched(ofRoute)
            case true: break
            }
        }
        return try await self.misplaced()
    }

    /// True when some entry passes; nil when that could not be found out.
    private func exists(_ filter: LogFilter) async throws -> Bool? {
        var query = LogQuery()
        query.filter = filter
        return try await self.search(query, upTo: 1).map { $0.count > 0 }
    }

    /// Which parts of the request's filter match nothing, and of how many entries.
    private func unmatched(_ ofRoute: LogFilter) async throws -> Emptiness {
        var unmatched: [String] = []
        for clause in self.asked.clauses where try await self.exists(ofRoute.and(LogFilter(clauses: [clause]))) == false {
            unmatched.append(Self.text(clause))
        }
        var query = LogQuery()
        query.filter = ofRoute
        var details: [(String, JSONText.Value)] = [("unmatched", .list(unmatched))]
        if let all = try await self.search(query, upTo: Self.countCapacity) {
            details += [("searched", .number(all.count)), ("searchedAll", .bool(all.isAll))]
        }
        return Emptiness(
            cause: .noMatchOfFilter,
            message: unmatched.isEmpty
                ? "Each part of the filter matches entries, but none matches all of them."
                : "Parts of the filter match no entry.",
            details: details)
    }

    /// There are entries that match: none of them lies where it was asked for.
    private func misplaced() async throws -> Emptiness {
        var head = LogQuery()
        head.filter = self.query.filter
        var tail = head
        tail.start = .tail
        tail.skip = -1
        let oldest = try await self.search(head, upTo: 1)?.time ?? 0
        let newest = try await self.search(tail, upTo: 1)?.time ?? 0
        var details: [(String, JSONText.Value)] = []
        if oldest != 0 { details.append(("oldest", .text(UTCTime.text(microseconds: oldest)))) }
        if newest != 0 { details.append(("newest", .text(UTCTime.text(microseconds: newest)))) }
        if newest != 0, self.query.since > newest {
            return Emptiness(cause: .afterNewest, message: "since is after the newest entry that matches.", details: details)
        }
        if oldest != 0, self.query.until != 0, self.query.until < oldest {
            return Emptiness(cause: .beforeOldest, message: "until is before the oldest entry that matches.", details: details)
        }
        return Emptiness(
            cause: .nothingThere, message: "Entries match, but none lies between where reading begins and where it ends.",
            details: details)
    }

    static func text(_ clause: [LogMatch]) -> String {
        clause.map { "\(String(decoding: $0.name, as: UTF8.self))=\(String(decoding: $0.value, as: UTF8.self))" }
            .joined(separator: " or ")
    }
}
