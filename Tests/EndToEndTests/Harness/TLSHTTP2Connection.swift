/// A client of HTTP/2 that does nothing by itself: every frame is the test's. Blocks, with a deadline: use it inside `blocking`.
final class HTTP2Connection {
    struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]

        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let continuation: UInt8 = 9

        var endsStream: Bool { self.flags & 1 == 1 && (self.type == Self.data || self.type == Self.headers) }
        /// True for the first header of an answer whose status is 200, which is one byte (RFC 7541, appendix A).
        var isOK: Bool { self.type == Self.headers && self.payload.first == 0x88 }
    }

    /// What a stream has given.
    struct Answer: Sendable {
        var isOK = false
        var body: [UInt8] = []
        /// The error that the server has taken the stream back with.
        var reset: UInt32?
    }

    private let descriptor: Descriptor
    private let deadline: ContinuousClock.Instant
    private var received: [UInt8] = []

    /// Begins with a window for each stream, and as large a one as there is for the connection.
    init(_ descriptor: Descriptor, window: Int, within limit: Duration) throws {
        self.descriptor = descriptor
        self.deadline = ContinuousClock.now + limit
        try self.descriptor.write(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), by: self.deadline)
        try self.send(Frame.settings, payload: [0, 4] + Self.bytes(window))
        try self.open(window: 1 << 30, stream: 0)
    }

    func send(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8]) throws {
        var bytes = Array(Self.bytes(payload.count).dropFirst())
        bytes += [type, flags]
        bytes += Self.bytes(Int(stream))
        bytes += payload
        try self.descriptor.write(bytes, by: self.deadline)
    }

    /// Lets the server send so much more.
    func open(window: Int, stream: UInt32) throws {
        try self.send(Frame.windowUpdate, stream: stream, payload: Self.bytes(window))
    }

    /// Asks; a stream's number is odd and higher than those before.
    func request(_ target: String, stream: UInt32, method: String = "GET", accept: String = "text/event-stream") throws {
        try self.send(Frame.headers, flags: 5, stream: stream, payload: Self.header(target, method: method, accept: accept))
    }

    /// Takes a request back: CANCEL.
    func reset(_ stream: UInt32) throws { try self.send(Frame.reset, stream: stream, payload: Self.bytes(8)) }

    static func header(_ target: String, method: String = "GET", accept: String = "text/event-stream") -> [UInt8] {
        let fields: [(String, String)] = [
            (":method", method), (":scheme", "https"), (":path", target), (":authority", "localhost"), ("accept", accept),
        ]
        var block: [UInt8] = []
        for (name, value) in fields { block += Self.field(name, value) }
        return block
    }

    /// A field as a literal that is not indexed (RFC 7541, 6.2.2).
    static func field(_ name: String, _ value: String) -> [UInt8] {
        var bytes: [UInt8] = [0, UInt8(name.utf8.count)]
        bytes += name.utf8
        bytes.append(UInt8(value.utf8.count))
        bytes += value.utf8
        return bytes
    }

    /// Reads the next frame; nil when the server has closed. Settings are acknowledged.
    func read() throws -> Frame? {
        while self.received.count < 9 { guard try self.receive() else { return nil } }
        let length = Self.number(self.received[0..<3])
        while self.received.count < 9 + Int(length) { guard try self.receive() else { return nil } }
        let frame = Frame(
            type: self.received[3], flags: self.received[4], stream: Self.number(self.received[5..<9]) & 0x7fff_ffff,
            payload: Array(self.received[9..<9 + Int(length)]))
        self.received.removeFirst(9 + Int(length))
        if frame.type == Frame.settings, frame.flags & 1 == 0 { try self.send(Frame.settings, flags: 1, payload: []) }
        return frame
    }

    /// Reads until a frame is what the test waits for; nil when the server closes first.
    func read(until isWanted: (Frame) throws -> Bool) throws -> Frame? {
        while let frame = try self.read() { if try isWanted(frame) { return frame } }
        return nil
    }

    /// Reads until a stream ends; others' frames are dropped.
    func answer(of stream: UInt32) throws -> Answer {
        var answer = Answer()
        let last = try self.read { frame in
            guard frame.stream == stream else { return false }
            if frame.isOK { answer.isOK = true }
            if frame.type == Frame.data { answer.body += frame.payload }
            if frame.type == Frame.reset { answer.reset = Self.number(frame.payload[0..<4]) }
            return frame.endsStream || frame.type == Frame.reset
        }
        guard last != nil else { throw HarnessError("the server closed the connection before stream \(stream) had ended") }
        return answer
    }

    private func receive() throws -> Bool {
        let bytes = try self.descriptor.read(upTo: 64 << 10, by: self.deadline)
        self.received += bytes
        return !bytes.isEmpty
    }

    private static func bytes(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }

    static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
