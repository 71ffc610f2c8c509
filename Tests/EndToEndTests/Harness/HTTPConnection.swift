internal import Glibc

/// A client's connection over a raw socket. Blocks, with a deadline for everything: use it inside `blocking`.
final class HTTPConnection {
    private enum Body {
        case counted(Int)
        /// Bytes left in the current chunk, and whether one has begun.
        case chunked(Int, hasBegun: Bool)
        case untilClosed
        case ended
    }

    private let descriptor: Descriptor
    private let deadline: ContinuousClock.Instant
    private var received: [UInt8] = []
    private var used = 0
    private var body = Body.ended
    private var method = "GET"
    /// Decoded bytes that `readLine` has not given out yet, and how many of them it has searched.
    var undelivered: [UInt8] = []
    var searched = 0
    /// How much is taken from the socket at a time.
    var readSize = 64 << 10
    /// True when the last answer's body came to its proper end.
    private(set) var isComplete = false

    init(_ address: ServerAddress, within limit: Duration = .seconds(20), receiveBuffer: Int32? = nil) throws {
        self.descriptor = try address.connect(receiveBuffer: receiveBuffer)
        self.deadline = ContinuousClock.now + limit
    }

    /// Takes over what something else has connected.
    init(_ descriptor: Descriptor, within limit: Duration = .seconds(20)) {
        self.descriptor = descriptor
        self.deadline = ContinuousClock.now + limit
    }

    /// Sends bytes as they are.
    func send(_ bytes: [UInt8]) throws { try self.descriptor.write(bytes, by: self.deadline) }

    func send(_ request: HTTPRequest) throws {
        self.method = request.method
        try self.send(request.bytes)
    }

    /// Sends a request and reads its whole answer.
    func exchange(_ request: HTTPRequest) throws -> HTTPAnswer {
        try self.send(request)
        let head = try self.readHead()
        var body: [UInt8] = []
        while let piece = try self.readPiece() { body += piece }
        return HTTPAnswer(head: head, body: body, isComplete: self.isComplete)
    }

    /// Reads the body to where it ends or breaks off; true when it came to its proper end.
    func readsWholeBody() throws -> Bool {
        do {
            while try self.readPiece() != nil {}
        } catch is HarnessError {
            return false
        }
        return self.isComplete
    }

    /// Reads an answer's head; throws when the server closes instead.
    func readHead() throws -> HTTPHead {
        var lines: [String] = []
        repeat { lines.append(try self.receivedLine()) } while lines.last != ""
        let head = try HTTPHead(lines.dropLast().joined(separator: "\r\n"))
        self.isComplete = false
        (self.undelivered, self.searched) = ([], 0)
        if self.method == "HEAD" || head.status == 204 || head.status == 304 {
            self.end()
        } else if head["Transfer-Encoding"]?.lowercased() == "chunked" {
            self.body = .chunked(0, hasBegun: false)
        } else if let length = head["Content-Length"] {
            guard let count = Int(length) else { throw HarnessError("no content length: \(length)") }
            self.body = .counted(count)
        } else {
            self.body = .untilClosed
        }
        return head
    }

    /// Reads on in the body; nil at its end, proper or not.
    func readPiece() throws -> [UInt8]? {
        switch self.body {
        case .ended: return nil
        case .untilClosed: return try self.take(.max)
        case .counted(0):
            self.end()
            return nil
        case .counted(let left):
            guard let piece = try self.take(left) else { return nil }
            self.body = .counted(left - piece.count)
            return piece
        case .chunked(0, let hasBegun):
            guard try self.used < self.received.count || self.receive() else {
                self.body = .ended
                return nil
            }
            let size = try self.chunkSize(hasBegun: hasBegun)
            self.body = .chunked(size, hasBegun: true)
            if size > 0 { return try self.readPiece() }
            repeat {} while try !self.receivedLine().isEmpty
            self.end()
            return nil
        case .chunked(let left, _):
            guard let piece = try self.take(left) else { return nil }
            self.body = .chunked(left - piece.count, hasBegun: true)
            return piece
        }
    }

    /// Reads whatever comes until the other side closes, as it comes.
    func readToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = try self.descriptor.read(upTo: 64 << 10, by: self.deadline)
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    /// Waits until the server closes; throws when it does not, or has something left to say.
    func expectClosed() throws {
        guard self.used == self.received.count, try self.descriptor.read(upTo: 1, by: self.deadline).isEmpty else {
            throw HarnessError("the server went on instead of closing the connection")
        }
    }

    private func end() {
        self.body = .ended
        self.isComplete = true
    }

    private func chunkSize(hasBegun: Bool) throws -> Int {
        if hasBegun, try self.receivedLine() != "" { throw HarnessError("a chunk is longer than it said") }
        let line = try self.receivedLine()
        guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else { throw HarnessError("no chunk size: \(line)") }
        return size
    }

    /// Takes what has arrived, at most so much; nil when the server has closed.
    private func take(_ limit: Int) throws -> [UInt8]? {
        guard try self.used < self.received.count || self.receive() else {
            self.body = .ended
            return nil
        }
        let end = self.used + min(limit, self.received.count - self.used)
        defer { self.used = end }
        return Array(self.received[self.used..<end])
    }

    /// Takes a line of the protocol, without its end.
    private func receivedLine() throws -> String {
        var searched = self.used
        while true {
            if let end = self.received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { self.used = end + 1 }
                let line = self.received[self.used..<end]
                return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            }
            searched = self.received.count - self.used
            guard try self.receive() else { throw HarnessError("the server closed the connection without an answer") }
        }
    }

    /// Waits for more; false when the server has closed. Moves what is left to the front.
    private func receive() throws -> Bool {
        let bytes = try self.descriptor.read(upTo: self.readSize, by: self.deadline)
        self.received.removeFirst(self.used)
        self.used = 0
        self.received += bytes
        return !bytes.isEmpty
    }
}
