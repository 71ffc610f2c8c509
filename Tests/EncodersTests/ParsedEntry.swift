import FoundationEssentials

/// An entry as a real JSON parser reads it.
struct ParsedEntry: Decodable, Equatable {
    enum Value: Decodable, Equatable {
        case text(String)
        case bytes([UInt8])
        case list([Value])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let bytes = try? container.decode([UInt8].self) {
                self = .bytes(bytes)
            } else {
                self = .list(try container.decode([Value].self))
            }
        }

        /// The text's own bytes: `==` of strings would let different spellings pass.
        var utf8: [UInt8]? {
            if case .text(let text) = self { Array(text.utf8) } else { nil }
        }
    }

    var fields: [String: Value]
    var cursor: String?
    var monotonic_timestamp: UInt64?
    var realtime_timestamp: UInt64?

    init(_ bytes: some Collection<UInt8>) throws {
        self = try JSONDecoder().decode(ParsedEntry.self, from: Data(bytes))
    }

    /// One per line; every line must end.
    static func lines(_ bytes: [UInt8]) throws -> [ParsedEntry] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.popLast()?.isEmpty == true else { throw Unended() }
        return try lines.map { try ParsedEntry($0) }
    }

    struct Unended: Error {}
}
