internal import Glibc

/// A block of an event stream: an event, a comment, or both.
struct ServerSentEvent: Sendable, Hashable {
    var id: String?
    var name: String?
    var data: String?
    var comment: String?

    /// True for a log entry.
    var isEntry: Bool { self.name == nil && self.data != nil }

    /// The entry's cursor, from the id or from the JSON object.
    var cursor: String? { self.id ?? self.json?["cursor"]?.string }

    var json: JSONValue? { self.data.flatMap { try? JSONValue($0) } }

    /// What it says, in short: an entry's message, or `event` and the name of another.
    var said: String { self.name.map { "event \($0)" } ?? self.json?["fields"]?["MESSAGE"]?.string ?? "?" }
}

extension HTTPConnection {
    /// Reads a line of the body without its end; nil behind the last. A last line without an end is given out as it is.
    func readLine() throws -> [UInt8]? {
        while true {
            if let end = firstNewline(in: self.undelivered, from: self.searched) {
                let line = Array(self.undelivered[..<end])
                self.undelivered.removeFirst(end + 1)
                self.searched = 0
                return line
            }
            self.searched = self.undelivered.count
            if let piece = try self.readPiece() {
                self.undelivered += piece
            } else {
                defer { (self.undelivered, self.searched) = ([], 0) }
                return self.undelivered.isEmpty ? nil : self.undelivered
            }
        }
    }

    /// Reads the next block of an event stream; nil at the end.
    func readEvent() throws -> ServerSentEvent? {
        var event = ServerSentEvent()
        while let bytes = try self.readLine() {
            let line = String(decoding: bytes, as: UTF8.self)
            if line.isEmpty {
                if event != ServerSentEvent() { return event }
                continue
            }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count < 2 ? "" : parts[1].hasPrefix(" ") ? String(parts[1].dropFirst()) : String(parts[1])
            switch parts[0] {
            case "": event.comment = event.comment.map { "\($0)\n\(value)" } ?? value
            case "id": event.id = value
            case "event": event.name = value
            case "data": event.data = event.data.map { "\($0)\n\(value)" } ?? value
            case "retry": break
            default: throw HarnessError("no line of an event stream: \(line.prefix(200))")
            }
        }
        return event == ServerSentEvent() ? nil : event
    }

    /// Reads so many entries and whatever stands between them, comments left out; fewer when the stream ends.
    func readEvents(entries count: Int) throws -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var entries = 0
        while entries < count, let event = try self.readEvent() {
            if event.data != nil { events.append(event) }
            if event.isEntry { entries += 1 }
        }
        return events
    }

    /// Reads until the stream ends.
    func readAllEvents() throws -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        while let event = try self.readEvent() { events.append(event) }
        return events
    }
}

private func firstNewline(in bytes: [UInt8], from start: Int) -> Int? {
    unsafe bytes.withUnsafeBytes { memory in
        guard start < memory.count, let base = memory.baseAddress else { return nil }
        guard let found = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), memory.count - start) else { return nil }
        return unsafe UnsafeRawPointer(found) - base
    }
}
