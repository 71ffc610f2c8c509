/// A request as it goes over the wire.
struct HTTPRequest: Sendable {
    var method = "GET"
    var target: String
    var headers: [(name: String, value: String)] = [("Host", "localhost")]

    init(_ target: String, method: String = "GET", accept: String? = nil, headers: [String: String] = [:]) {
        self.method = method
        self.target = target
        if let accept { self.headers.append(("Accept", accept)) }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            self.headers.removeAll { $0.name == name }
            self.headers.append((name, value))
        }
    }

    var bytes: [UInt8] {
        let lines = ["\(self.method) \(self.target) HTTP/1.1"] + self.headers.map { "\($0.name): \($0.value)" }
        return Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
    }
}

/// An answer's status line and header.
struct HTTPHead: Sendable {
    var status: Int
    var fields: [(name: String, value: String)]

    /// Reads everything up to the empty line, which is not part of `text`.
    init(_ text: String) throws {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw HarnessError("no HTTP answer: \(lines[0])")
        }
        self.status = status
        self.fields = try lines.dropFirst().map { line in
            guard let colon = line.firstIndex(of: ":") else { throw HarnessError("no header field: \(line)") }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            return (line[..<colon].lowercased(), String(value))
        }
    }

    /// The value of a field, joined with commas where it is repeated.
    subscript(_ name: String) -> String? {
        let values = self.fields.filter { $0.name == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The content type without its parameters.
    var mediaType: String? {
        self["Content-Type"]?.split(separator: ";").first.map(String.init)
    }

    /// The names of the fields that let web pages of other origins read the answer.
    var crossOriginFields: [String] {
        self.fields.map(\.name).filter { $0.hasPrefix("access-control-") }
    }
}

/// A whole answer.
struct HTTPAnswer: Sendable {
    var head: HTTPHead
    var body: [UInt8]
    /// True when the body came to its proper end: all bytes of its length, or the last chunk.
    var isComplete: Bool

    var status: Int { self.head.status }
    var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The body's lines, without the ends of lines.
    var lines: [Substring] { self.text.split(separator: "\n") }
}
