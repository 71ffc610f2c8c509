/// Says what is wrong with a configuration file, and where. Its description is always one line.
package struct ConfigurationError: Error, Hashable, Sendable {
    /// What kind of mistake it is.
    package enum Reason: Hashable, Sendable {
        /// A value of the wrong type, out of range, missing, or in conflict with another one.
        case mismatch(expected: String, found: String)
        /// A key that nothing reads; `nearest` is the known one that is spelt almost the same.
        case unknownKey(nearest: String?, known: [String])
        /// A key that the same mapping has already.
        case duplicateKey
        /// Text that is not YAML, in the parser's words.
        case syntax(String)
    }

    /// The file as the operator named it.
    package var file: String
    /// Counts from 1.
    package var line: Int
    /// Counts from 1, in Unicode scalars.
    package var column: Int?
    /// The path of the key, such as `limits.value` or `plugins[1].library`; empty for the file as a whole.
    package var key: String
    package var reason: Reason

    package init(file: String, line: Int, column: Int? = nil, key: String, reason: Reason) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.reason = reason
    }

    /// Says what should have been there.
    package var expected: String {
        switch self.reason {
        case .mismatch(let expected, _): expected
        case .unknownKey(_, let known): "one of \(known.joined(separator: ", "))"
        case .duplicateKey: "every key once"
        case .syntax: "YAML"
        }
    }

    /// Says what was there.
    package var found: String {
        switch self.reason {
        case .mismatch(_, let found): found
        case .unknownKey: "an unknown key"
        case .duplicateKey: "a duplicate key"
        case .syntax(let problem): problem
        }
    }
}

extension ConfigurationError: CustomStringConvertible {
    package var description: String {
        let place = "\(self.file.onOneLine()):\(self.line): " + (self.key.isEmpty ? "" : "\(self.key): ")
        return place + self.sentence
    }

    private var sentence: String {
        switch self.reason {
        case .mismatch, .unknownKey(nil, _): "expected \(self.expected), found \(self.found)"
        case .unknownKey(.some(let nearest), _): "unknown key, did you mean \"\(nearest)\"?"
        case .duplicateKey: "duplicate key"
        case .syntax(let problem): "not YAML: \(problem.onOneLine())"
        }
    }
}

/// Says why a text is not the value it should be, apart from any file; the description fits behind a name and a colon.
package struct InvalidValue: Error, Hashable, Sendable, CustomStringConvertible {
    package var expected: String
    package var found: String

    package init(expected: String, found: String) {
        self.expected = expected
        self.found = found
    }

    /// Quotes the text that was found.
    init(expected: String, text: String) {
        self.init(expected: expected, found: text.quotedForError())
    }

    package var description: String { "expected \(self.expected), found \(self.found)" }
}
