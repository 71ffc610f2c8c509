import Yams

/// The keys and values of a mapping whose keys are all known.
struct YAMLMapping {
    private let place: YAMLReader
    private let values: [String: YAMLReader]

    /// Checks that the value is a mapping with no key but these, each once; throws otherwise.
    init(_ place: YAMLReader, _ expected: String, keys: [String]) throws(ConfigurationError) {
        guard case .mapping(let pairs) = place.node else { throw place.wrong(expected) }
        var values: [String: YAMLReader] = [:]
        for (key, value) in pairs {
            let name = try Self.name(of: key, in: place)
            let reader = YAMLReader(node: value, file: place.file, path: Self.path(of: name, in: place))
            guard keys.contains(name) else {
                throw Self.error(key, reader, .unknownKey(nearest: name.nearest(among: keys), known: keys))
            }
            guard values.updateValue(reader, forKey: name) == nil else { throw Self.error(key, reader, .duplicateKey) }
        }
        self.place = place
        self.values = values
    }

    /// The value of a key, or nil when the file does not have it.
    subscript(key: String) -> YAMLReader? { self.values[key] }

    /// Returns the value of a key that must be there; throws at the mapping's line when it is not.
    func required(_ key: String, _ expected: String) throws(ConfigurationError) -> YAMLReader {
        guard let value = self.values[key] else {
            throw ConfigurationError(
                file: self.place.file, line: self.place.line, key: Self.path(of: key, in: self.place),
                reason: .mismatch(expected: expected, found: "nothing"))
        }
        return value
    }

    /// Replaces a count when the key is there.
    func read(_ key: String, into count: inout Int, in range: ClosedRange<Int>) throws(ConfigurationError) {
        guard let value = self.values[key] else { return }
        count = try value.integer(in: range)
    }

    /// Replaces a size when the key is there.
    func read(_ key: String, intoBytes bytes: inout Int, in range: ClosedRange<Int>) throws(ConfigurationError) {
        guard let value = self.values[key] else { return }
        bytes = try value.bytes(in: range)
    }

    /// Replaces a duration when the key is there.
    func read(_ key: String, into duration: inout Duration, in range: ClosedRange<Duration>) throws(ConfigurationError) {
        guard let value = self.values[key] else { return }
        duration = try value.duration(in: range)
    }

    /// Returns the text of a key; throws when the key is a collection, or a number, `true`, `null` or `<<` without quotes.
    static func name(of key: Node, in place: YAMLReader) throws(ConfigurationError) -> String {
        let reader = YAMLReader(node: key, file: place.file, path: place.path)
        guard case .scalar(let scalar) = key else { throw reader.wrong("a key of text") }
        // Yams has overwritten the tag of a plain key while it looked for duplicates, so the style decides.
        guard scalar.style == .plain else { return scalar.string }
        guard case .string(let name) = YAMLScalar(plain: scalar.string) else {
            throw reader.wrong("a key of text, here in quotation marks", found: scalar.string.onOneLine(limit: 64))
        }
        guard name != "<<" else { throw reader.wrong("a key", found: "<<, which YAML 1.2 does not have") }
        return name
    }

    static func path(of key: String, in place: YAMLReader) -> String {
        (place.path.isEmpty ? "" : place.path + ".") + key.asPathComponent()
    }

    static func error(_ key: Node, _ reader: YAMLReader, _ reason: ConfigurationError.Reason) -> ConfigurationError {
        ConfigurationError(
            file: reader.file, line: key.mark?.line ?? reader.line, column: key.mark?.column, key: reader.path, reason: reason)
    }
}
