/// How much filtering one request may ask for.
package struct QueryLimits: Hashable, Sendable {
    /// Filters in one request.
    package var filters: Int
    /// Bytes of one filter's value.
    package var filterValueBytes: Int

    package init(filters: Int = 32, filterValueBytes: Int = 4096) {
        self.filters = filters
        self.filterValueBytes = filterValueBytes
    }
}

/// The parameter `filter=FIELD:value`, which may be repeated: one field's values are alternatives, different fields all apply.
enum FilterParameter {
    /// Makes a filter of every `filter` in the query; throws a 400 naming `filter` for one that cannot be meant.
    ///
    /// An empty or malformed name must never come to mean "everything": the answer would be wider than was asked for.
    static func parse(_ items: QueryItems, limits: QueryLimits) throws(Problem) -> LogFilter {
        let values = items.allBytes("filter")
        guard values.count <= limits.filters else {
            throw self.fault("The parameter filter was given more than \(limits.filters) times.")
        }
        var filter = LogFilter()
        for value in values {
            let match = try self.match(value, limits: limits)
            guard let clause = filter.clauses.firstIndex(where: { $0.first?.name == match.name }) else {
                filter.clauses.append([match])
                continue
            }
            if !filter.clauses[clause].contains(match) {
                filter.clauses[clause].append(match)
            }
        }
        return filter
    }

    private static func match(_ bytes: [UInt8], limits: QueryLimits) throws(Problem) -> LogMatch {
        // The first colon divides, so that values may hold addresses and times.
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw self.fault("The parameter filter must have the form FIELD:value.")
        }
        let name = bytes[..<colon].map(self.uppercased)
        guard self.isFieldName(name) else {
            throw self.fault(
                "The parameter filter must begin with a journal field name: 1 to 64 letters, digits and underscores, no digit "
                    + "and not two underscores first.")
        }
        let value = bytes[colon...].dropFirst()
        guard value.count <= limits.filterValueBytes else {
            throw self.fault("The parameter filter has a value longer than \(limits.filterValueBytes) bytes.")
        }
        return LogMatch(name: name, value: Array(value))
    }

    private static func uppercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte & 0xdf : byte
    }

    /// Decides whether a name is one that journald can hold and match. Names with two underscores are its own addresses, not fields.
    private static func isFieldName(_ name: [UInt8]) -> Bool {
        guard (1...64).contains(name.count), let first = name.first, !first.isDecimalDigit else { return false }
        guard !name.starts(with: "__".utf8) else { return false }
        return name.allSatisfy {
            $0.isDecimalDigit || $0 == UInt8(ascii: "_") || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
        }
    }

    private static func fault(_ detail: String) -> Problem {
        Problem(400, detail, parameter: "filter")
    }
}
