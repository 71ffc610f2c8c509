internal import PluginKit

/// The journalctl command that gives what a query gives, one JSON object a line.
struct JournalCommand {
    /// In the words of the shell.
    let text: String

    /// More alternatives are no command that anybody would read.
    private static let capacity = 32

    /// Nil where journalctl cannot say it.
    init?(_ query: Query, place: JournalPlace) {
        guard let matches = Self.matches(query.filter), let reading = Self.reading(query) else { return nil }
        var words = ["journalctl"]
        switch place {
        case .system: break
        // Where that is, the configuration says.
        case .directory: words.append("--directory=DIRECTORY")
        case .files: words.append("--file=FILE")
        case .namespace(let name): words.append("--namespace=\(name)")
        }
        words += ["--output=json", "--all", "--quiet"] + reading.options + matches
        self.text = words.map(Self.quoted).joined(separator: " ") + reading.filters.map { " | \($0)" }.joined()
    }

    // MARK: Which

    /// journalctl knows alternatives of conjunctions, and takes matches of one field as alternatives.
    private static func matches(_ filter: Filter) -> [String]? {
        var terms: [[Match]] = [[]]
        for clause in filter.clauses {
            terms = terms.flatMap { term in clause.map { term + [$0] } }
            guard terms.count <= Self.capacity else { return nil }
        }
        var words: [String] = []
        for term in terms {
            var seen: [[UInt8]: [UInt8]] = [:]
            if !words.isEmpty { words.append("+") }
            for match in term {
                if let other = seen[match.name] {
                    if other == match.value { continue }
                    return nil
                }
                seen[match.name] = match.value
                guard let text = String(validating: match.name + [0x3D] + match.value, as: UTF8.self),
                    !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
                else { return nil }
                words.append(text)
            }
        }
        return words
    }

    // MARK: From where to where

    private static func reading(_ query: Query) -> (options: [String], filters: [String])? {
        let isBounded = query.since != 0 || query.until != 0
        // Its bounds come before its count of lines, the query's come after the skip.
        if isBounded, query.skip != 0 { return nil }
        var options: [String] = []
        var filters: [String] = []
        switch (query.direction, query.start) {
        case (.forward, .head): if query.follow { options.append("--no-tail") }
        case (.forward, .tail): options.append("--lines=\(query.skip < 0 ? query.skip.magnitude : 0)")
        case (.forward, .cursor(let cursor)):
            if query.skip < 0 { return nil }
            options.append("--after-cursor=\(String(decoding: cursor, as: UTF8.self))")
            if query.follow { options.append("--no-tail") }
        case (.forward, .time(let time)):
            if time != query.since { options.append("--since=\(Self.time(time))") }
            if query.follow { options.append("--no-tail") }
        case (.backward, .tail): options.append("--reverse")
        case (.backward, .cursor(let cursor)):
            if query.skip > 0 { return nil }
            options += ["--reverse", "--after-cursor=\(String(decoding: cursor, as: UTF8.self))"]
        case (.backward, .time): options.append("--reverse")
        case (.backward, .head): return nil
        }
        if query.since != 0 { options.append("--since=\(Self.time(query.since))") }
        if query.until != 0 { options.append("--until=\(Self.time(query.until))") }
        if query.follow { options.append("--follow") }
        let isAlong = query.direction == .forward ? query.skip > 0 : query.skip < 0
        if isAlong, query.start != .tail || query.direction == .backward {
            filters.append("tail --lines=+\(query.skip.magnitude + 1)")
        }
        if query.limit != 0 { filters.append("head --lines=\(query.limit)") }
        return (options, filters)
    }

    private static func time(_ microseconds: UInt64) -> String {
        let fraction = String(microseconds % 1_000_000)
        return "@\(microseconds / 1_000_000).\(String(repeating: "0", count: 6 - fraction.utf8.count))\(fraction)"
    }

    // MARK: The shell

    private static func quoted(_ word: String) -> String {
        func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-_=+,./:@%".utf8.contains(byte)
            }
        }
        return word.utf8.allSatisfy(isPlain) ? word : "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
}
