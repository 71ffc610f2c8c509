internal import FoundationEssentials

/// A JSON value, for comparing values instead of bytes.
enum JSONValue: Sendable, Hashable, Decodable {
    case null
    case bool(Bool)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(_ text: some StringProtocol) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([String: JSONValue].self) {
            self = .object(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else {
            self = .number(try container.decode(Double.self))
        }
    }

    subscript(_ key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var unsigned: UInt64? { if case .unsigned(let value) = self { value } else { nil } }
    var keys: Set<String> { if case .object(let members) = self { Set(members.keys) } else { [] } }
}

extension HTTPAnswer {
    /// The body as one JSON value per line.
    var jsonLines: [JSONValue] { get throws { try self.lines.map { try JSONValue($0) } } }

    /// The value of one field of each entry of a JSON answer; nil where an entry has none.
    func field(_ name: String) throws -> [String?] {
        try self.jsonLines.map { $0["fields"]?[name]?.string }
    }

    /// The `i=` parts of the cursors of a JSON answer: the entries' numbers.
    var entryNumbers: [Int] { get throws { try self.jsonLines.map { try entryNumber($0["cursor"]?.string) } } }
}

/// Reads the number out of a cursor's `i=`, which is hexadecimal.
func entryNumber(_ cursor: String?) throws -> Int {
    let part = cursor?.split(separator: ";").first { $0.hasPrefix("i=") }
    guard let part, let number = Int(part.dropFirst(2), radix: 16) else {
        throw HarnessError("no cursor: \(cursor ?? "nothing")")
    }
    return number
}
