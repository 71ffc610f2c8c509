internal import Glibc
internal import Testing

/// In which format a follow is asked for.
enum FollowFormat: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case text, json, sse

    var testDescription: String { self.rawValue }
}

/// One thing that a follow has said: an entry, a named event or a sign of life.
struct FollowRecord: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// The entry's number, if it has one.
        case entry(Int?)
        case event(String)
        case comment(String)
        /// An empty line in JSON.
        case empty
    }

    let kind: Kind
    /// All of it but the line ends at its end.
    let bytes: [UInt8]
    let id: String?

    init(_ bytes: [UInt8], as format: FollowFormat) {
        self.bytes = bytes
        var id: String?
        switch format {
        case .text: self.kind = .entry(digits(behind: bytes.starts(with: "line ".utf8) ? "line " : ": line ", in: bytes))
        case .json: self.kind = bytes.isEmpty ? .empty : .entry(entryNumber(bytes))
        case .sse:
            var kind = Kind.empty
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                if line.starts(with: "id: ".utf8) {
                    id = String(decoding: line.dropFirst(4), as: UTF8.self)
                } else if line.starts(with: "event: ".utf8) {
                    kind = .event(String(decoding: line.dropFirst(7), as: UTF8.self))
                } else if line.starts(with: "data: ".utf8) {
                    if case .event = kind { continue }
                    kind = .entry(entryNumber(Array(line)))
                } else if line.starts(with: ": ".utf8) {
                    // Between lines of files no empty line ends a comment.
                    if kind == .empty { kind = .comment(String(decoding: line.dropFirst(2), as: UTF8.self)) }
                } else {
                    kind = .event("no line of an event stream: \(String(decoding: line.prefix(99), as: UTF8.self))")
                }
            }
            self.kind = kind
        }
        self.id = id
    }

    /// An entry's number.
    var number: Int? { if case .entry(let number) = self.kind { number } else { nil } }

    var isEntry: Bool { if case .entry = self.kind { true } else { false } }

    var isSignOfLife: Bool { self.kind == .empty || self.kind == .comment("ping") }

    /// The data of a named event.
    var json: JSONValue? {
        let line = self.bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "data: ".utf8) }
        return line.flatMap { try? JSONValue(String(decoding: $0.dropFirst(6), as: UTF8.self)) }
    }
}

/// Cuts a follow's body into records as it comes. Blocks, as its connection does.
final class FollowReader {
    private let connection: HTTPConnection
    private let format: FollowFormat
    private var bytes: [UInt8] = []
    /// All so far, signs of life left out.
    private(set) var records: [FollowRecord] = []
    private(set) var signsOfLife = 0

    init(_ connection: HTTPConnection, as format: FollowFormat) {
        self.connection = connection
        self.format = format
    }

    /// The numbers of the entries so far.
    var numbers: [Int] { self.records.compactMap(\.number) }

    /// True when the body has come to its proper end.
    var isComplete: Bool { self.connection.isComplete }

    /// Waits for more; false when the body has ended, properly or not. What was cut off in the midst of a record is no record.
    func read() throws -> Bool {
        guard let piece = try self.nextPiece() else {
            // A log's last line may lack its end; an answer that was cut off may lack anything.
            if self.isComplete, !self.bytes.isEmpty { self.records.append(FollowRecord(self.bytes, as: self.format)) }
            self.bytes = []
            return false
        }
        self.bytes += piece
        var start = 0
        while let end = self.recordEnd(from: start) {
            let record = FollowRecord(Array(self.bytes[start..<end]), as: self.format)
            if record.isSignOfLife { self.signsOfLife += 1 } else { self.records.append(record) }
            start = end + (self.format == .sse ? 2 : 1)
        }
        self.bytes.removeFirst(start)
        return true
    }

    /// Reads until the last record is an entry with this number or a later one.
    func read(to number: Int) throws {
        while self.records.last?.number ?? .min < number {
            guard try self.read() else {
                throw HarnessError("the follow ended after \(self.records.last?.number ?? 0), before \(number)")
            }
        }
    }

    /// Reads until so many records are there.
    func read(records count: Int) throws {
        while self.records.count < count {
            guard try self.read() else { throw HarnessError("the follow ended after \(self.records.count) records") }
        }
    }

    /// Reads until the follow ends. A connection that is reset ends too.
    func readToEnd() throws { while try self.read() {} }

    private func nextPiece() throws -> [UInt8]? {
        do {
            return try self.connection.readPiece()
        } catch let error as HarnessError where error.description.hasPrefix("the server closed the connection") {
            // Between two chunks.
            return nil
        }
    }

    private func recordEnd(from start: Int) -> Int? {
        unsafe self.bytes.withUnsafeBytes { memory in
            guard let base = memory.baseAddress else { return nil }
            var start = start
            while start < memory.count {
                guard let found = unsafe memchr(base + start, 0x0A, memory.count - start) else { return nil }
                let end = unsafe UnsafeRawPointer(found) - base
                if self.format != .sse { return end }
                guard end + 1 < memory.count else { return nil }
                if unsafe memory[end + 1] == 0x0A { return end }
                start = end + 1
            }
            return nil
        }
    }
}

/// A follow that is over, as its reader saw it.
struct Followed: Sendable {
    var records: [FollowRecord]
    var signsOfLife: Int
    /// True when the body came to its proper end.
    var isComplete: Bool

    init(_ reader: FollowReader) {
        self.records = reader.records
        self.signsOfLife = reader.signsOfLife
        self.isComplete = reader.isComplete
    }

    var numbers: [Int] { self.records.compactMap(\.number) }

    /// What is wrong with the entries if they should have these numbers and no other; nil when nothing is.
    func difference(to expected: some Sequence<Int>) -> String? {
        let expected = Array(expected)
        let numbers = self.records.filter(\.isEntry).map { $0.number ?? -1 }
        if numbers == expected { return nil }
        let wrong = zip(numbers, expected).first { $0 != $1 }
        return "\(numbers.count) entries instead of \(expected.count), first wrong: \(wrong.map { "\($0) for \($1)" } ?? "none")"
    }
}

extension LogHostProcess {
    /// Follows a log and lends the reader once the head has come, which must be 200.
    func follow<Value: Sendable>(
        _ target: String, as format: FollowFormat, after id: String? = nil, over transport: Transport = .unix,
        within limit: Duration = .seconds(20), receiveBuffer: Int32? = nil,
        _ body: @escaping @Sendable (FollowReader) throws -> Value
    ) async throws -> Value {
        let separator = target.contains("?") ? "&" : "?"
        let headers = id.map { ["Last-Event-ID": $0] } ?? [:]
        let request = HTTPRequest("\(target)\(separator)follow=true&format=\(format)", headers: headers)
        return try await self.open(request, over: transport, within: limit, receiveBuffer: receiveBuffer) { head, connection in
            guard head.status == 200 else { throw HarnessError("status \(head.status) for \(target)") }
            return try body(FollowReader(connection, as: format))
        }
    }
}

/// Reads the number of an entry in JSON, from its field or its message.
private func entryNumber(_ json: [UInt8]) -> Int? {
    digits(behind: "\"N\":\"", in: json) ?? digits(behind: "\"MESSAGE\":\"line ", in: json)
}

/// Reads the number behind the first occurrence of a mark.
private func digits(behind mark: String, in bytes: [UInt8]) -> Int? {
    let mark = Array(mark.utf8)
    let end = unsafe bytes.withUnsafeBytes { memory -> Int? in
        guard let base = memory.baseAddress else { return nil }
        var start = 0
        while start + mark.count <= memory.count {
            guard let found = unsafe memchr(base + start, Int32(mark[0]), memory.count - start) else { return nil }
            start = unsafe UnsafeRawPointer(found) - base
            if start + mark.count > memory.count { return nil }
            if unsafe memcmp(found, mark, mark.count) == 0 { return start + mark.count }
            start += 1
        }
        return nil
    }
    guard let end else { return nil }
    return Int(String(decoding: bytes[end...].prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
}
