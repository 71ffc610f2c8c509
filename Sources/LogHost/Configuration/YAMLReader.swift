import Yams

/// One value of a configuration file that knows its place, and gives itself out as the type asked for, or throws.
struct YAMLReader {
    let node: Node
    let file: String
    /// The keys that lead here, such as `plugins[1].library`; empty for the root.
    let path: String

    /// Counts from 1. The value behind an alias is where its anchor is.
    var line: Int { self.node.mark?.line ?? 1 }

    var isMapping: Bool {
        if case .mapping = self.node { true } else { false }
    }

    /// Returns the elements of a list; `expected` names such a list in the error.
    func list(_ expected: String) throws(ConfigurationError) -> [YAMLReader] {
        guard case .sequence(let items) = self.node else { throw self.wrong(expected) }
        return items.enumerated().map { YAMLReader(node: $1, file: self.file, path: "\(self.path)[\($0)]") }
    }

    /// Returns a mapping, after a check that it has no other keys than these.
    func mapping(_ expected: String, keys: [String]) throws(ConfigurationError) -> YAMLMapping {
        try YAMLMapping(self, expected, keys: keys)
    }

    /// Returns text; a plain number, `true` or `null` is none.
    func string(_ expected: String) throws(ConfigurationError) -> String {
        guard case .string(let text) = self.scalar, !text.utf8.contains(0) else { throw self.wrong(expected) }
        return text
    }

    /// Returns the text of any scalar but null, for values with a grammar of their own.
    func text(_ expected: String) throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = self.node, let resolved = self.scalar, resolved != .null else {
            throw self.wrong(expected)
        }
        return scalar.string
    }

    func bool() throws(ConfigurationError) -> Bool {
        guard case .bool(let value) = self.scalar else { throw self.wrong("true or false") }
        return value
    }

    /// Returns an unquoted whole number within the range.
    func integer(in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .integer(let digits) = self.scalar, let value = Int(digits), range.contains(value) else {
            throw self.wrong(expected)
        }
        return value
    }

    /// Returns a count of bytes such as `64MB` or `65536` within the range.
    func bytes(in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        let expected = "a size such as 64MB"
        guard let value = Quantity.bytes(try self.text(expected)) else { throw self.wrong(expected) }
        guard range.contains(value) else {
            throw self.wrong("a size from \(Quantity.text(bytes: range.lowerBound)) to \(Quantity.text(bytes: range.upperBound))")
        }
        return value
    }

    /// Returns a duration such as `250ms` or `2.5` (seconds) within the range.
    func duration(in range: ClosedRange<Duration>) throws(ConfigurationError) -> Duration {
        let expected = "a duration such as 15s"
        guard let value = Quantity.duration(try self.text(expected)) else { throw self.wrong(expected) }
        guard range.contains(value) else {
            throw self.wrong("a duration from \(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound))")
        }
        return value
    }

    /// Makes the error that something else was expected here; `found` replaces the description of the value itself.
    func wrong(_ expected: String, found: String? = nil) -> ConfigurationError {
        ConfigurationError(
            file: self.file, line: self.line, column: self.node.mark?.column, key: self.path,
            reason: .mismatch(expected: expected, found: found ?? self.found))
    }

    func wrong(_ invalid: InvalidValue) -> ConfigurationError {
        self.wrong(invalid.expected, found: invalid.found)
    }

    /// The resolved scalar, or nil for a list, a mapping, or a tag that is not of the core schema.
    var scalar: YAMLScalar? {
        guard case .scalar(let scalar) = self.node else { return nil }
        return YAMLScalar(scalar)
    }

    private var found: String {
        switch self.node {
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .alias: return "an alias"
        case .scalar(let scalar):
            switch YAMLScalar(scalar) {
            case nil: return "the tag \(scalar.tag.rawValue.quotedForError())"
            case .null: return "nothing"
            case .string(let text): return text.quotedForError()
            case .bool, .integer, .float: return scalar.string.onOneLine(limit: 64)
            }
        }
    }
}
