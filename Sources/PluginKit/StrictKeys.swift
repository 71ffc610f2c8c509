/// Reads a mapping of a configuration in which every key is known: a slip of the pen is an error, never a default.
///
/// ```swift
/// init(from decoder: any Decoder) throws {
///     let keys = try StrictKeys(decoder, "directory", "files")
///     self.directory = try keys.value("directory")
/// }
/// ```
public struct StrictKeys {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let container: KeyedDecodingContainer<Key>

    /// Opens the mapping; throws a `PluginError` that names the first key it does not know.
    public init(_ decoder: any Decoder, _ known: String...) throws {
        self.container = try decoder.container(keyedBy: Key.self)
        let unknown = self.container.allKeys.map(\.stringValue).filter { !known.contains($0) }.sorted()
        guard let key = unknown.first else { return }
        let path = decoder.codingPath.map { "\($0.stringValue)." }.joined()
        let names = known.dropLast().joined(separator: ", ") + (known.count > 1 ? " and " : "") + (known.last ?? "none")
        throw PluginError(.invalid, "\(path)\(key): unknown key; there \(known.count == 1 ? "is" : "are") \(names)")
    }

    /// Reads a value; nil when the key is missing or has none. Throws when it is of another type.
    public func value<Value: Decodable>(_ key: String, as type: Value.Type = Value.self) throws -> Value? {
        try self.container.decodeIfPresent(type, forKey: Key(stringValue: key))
    }
}
