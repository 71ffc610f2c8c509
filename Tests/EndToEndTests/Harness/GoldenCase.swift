internal import FoundationEssentials
internal import Testing

/// One request over the golden journal, what the reference answered, and what is expected.
struct GoldenCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Expectation: Decodable, Sendable {
        var status: Int
        var entries: [String]?
    }

    var name: String
    var path: String
    var accept: String
    var headers: [String: String]
    var followEntries: Int?
    var status: Int
    var responseHeaders: [String: String]
    var entries: [String]?
    var body: String?
    var bodyBytes: Int?
    var expect: Expectation
    var correction: String?

    private enum CodingKeys: String, CodingKey {
        case name, path, accept, headers, status, entries, body, expect, correction
        case followEntries = "follow_entries"
        case responseHeaders = "response_headers"
        case bodyBytes = "body_bytes"
    }

    var testDescription: String { "\(self.name): \(self.path.prefix(60)) as \(self.accept)" }

    var request: HTTPRequest { HTTPRequest(self.path, accept: self.accept, headers: self.headers) }

    /// True where the answer's body must be what the reference's was.
    var keepsBody: Bool { self.expect.status == 200 && self.status == 200 && self.correction == nil }

    static func load() throws -> [GoldenCase] {
        let bytes = try readFile("\(Golden.directory)/journald-cases.json")
        return try JSONDecoder().decode([GoldenCase].self, from: Data(bytes))
    }

    /// All cases; none when they cannot be read, which a test of its own tells.
    static let all = (try? Self.load()) ?? []
}
