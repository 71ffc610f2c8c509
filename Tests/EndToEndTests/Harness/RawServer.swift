internal import Glibc
internal import Synchronization

/// A server over plain TCP that answers each request with what a test writes, byte for byte, HTTP or not.
final class RawServer: Sendable {
    /// Answers one request, on a thread that may block. When it throws the connection closes.
    typealias Script = @Sendable (RawExchange) throws -> Void

    private struct State {
        var requests: [RawRequest] = []
        var abandoned = 0
        var sent = 0
        var isStopped = false
    }

    let port: UInt16
    private let script: Script
    private let state = Mutex(State())

    fileprivate init(_ listener: Descriptor, port: UInt16, script: @escaping Script) {
        self.port = port
        self.script = script
        startThread { self.accept(listener) }
    }

    /// What it was asked so far.
    var requests: [RawRequest] { self.state.withLock { $0.requests } }
    /// How many connections the other side has closed while `RawExchange.waitForClose` was waiting for that.
    var abandoned: Int { self.state.withLock { $0.abandoned } }
    /// How many bytes the system has taken of what was to be sent.
    var sent: Int { self.state.withLock { $0.sent } }

    fileprivate func stop() { self.state.withLock { $0.isStopped = true } }

    fileprivate func countAbandoned() { self.state.withLock { $0.abandoned += 1 } }
    fileprivate func countSent(_ bytes: Int) { self.state.withLock { $0.sent += bytes } }

    private func accept(_ listener: Descriptor) {
        while !self.state.withLock({ $0.isStopped }) {
            // No other program shall inherit it.
            let number = ChildProcess.starting.withLock { _ in
                let number = Glibc.accept(listener.number, nil, nil)
                if number >= 0 { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
                return number
            }
            if number < 0 {
                usleep(2_000)
                continue
            }
            let connection = Descriptor(number)
            startThread { self.serve(connection) }
        }
    }

    private func serve(_ connection: Descriptor) {
        let exchange = RawExchange(connection, server: self)
        do {
            while try exchange.readRequest() {
                self.state.withLock { $0.requests.append(exchange.request) }
                try self.script(exchange)
                if exchange.isClosed { return }
            }
        } catch {
            // The other side has gone, or the script has had enough.
        }
    }
}

/// Lends such a server. A test gets as many connections as it opens; each has a minute.
func withRawServer<Value>(
    _ script: @escaping RawServer.Script, _ body: (RawServer) async throws -> Value
) async throws -> Value {
    let (listener, port) = try ServerAddress.listen()
    let server = RawServer(listener, port: port, script: script)
    defer { server.stop() }
    return try await body(server)
}

/// A request as it came: its first line and its fields in their order.
struct RawRequest: Sendable {
    var line = ""
    var fields: [(name: String, value: String)] = []

    var target: String { self.line.split(separator: " ").dropFirst().first.map(String.init) ?? "" }

    /// The names in lower case, sorted.
    var names: [String] { self.fields.map { $0.name.lowercased() }.sorted() }

    subscript(_ name: String) -> String? {
        let values = self.fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}

/// A request to a `RawServer`, and the connection that it came on.
final class RawExchange {
    private(set) var request = RawRequest()
    private var connection: Descriptor?
    private var received: [UInt8] = []
    private let server: RawServer
    private let deadline = ContinuousClock.now + .seconds(60)

    fileprivate init(_ connection: Descriptor, server: RawServer) {
        self.connection = connection
        self.server = server
    }

    var isClosed: Bool { self.connection == nil }

    func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(64 << 10))
            try self.open().write(piece, by: self.deadline)
            self.server.countSent(piece.count)
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Sends text as one chunk of a chunked body.
    func sendChunk(_ text: String) throws { try self.send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n") }

    /// Waits until the other side has closed the connection.
    func waitForClose() throws {
        guard try self.open().read(upTo: 1, by: self.deadline).isEmpty else { throw HarnessError("there was more to read") }
        self.server.countAbandoned()
        self.connection = nil
    }

    func close() { self.connection = nil }

    /// Closes without a proper end of the connection.
    func reset() throws {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(try self.open().number, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        self.connection = nil
    }

    private func open() throws -> Descriptor {
        guard let connection else { throw HarnessError("the connection is closed") }
        return connection
    }

    /// Waits for a request; false at the end of the connection.
    fileprivate func readRequest() throws -> Bool {
        let end = Array("\r\n\r\n".utf8)
        while self.received.suffix(4) != end[...] {
            let bytes = try self.open().read(upTo: 64 << 10, by: self.deadline)
            if bytes.isEmpty { return false }
            self.received += bytes
        }
        let lines = String(decoding: self.received, as: UTF8.self).split(separator: "\r\n")
        self.received = []
        self.request = RawRequest(
            line: String(lines.first ?? ""),
            fields: lines.dropFirst().map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (String(parts[0]), parts.count < 2 ? "" : String(parts[1].drop { $0 == " " }))
            })
        return true
    }
}

/// A door that a test opens for a thread that waits before it.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { self.isOpen.withLock { $0 = true } }

    func wait() throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !self.isOpen.withLock({ $0 }) {
            guard ContinuousClock.now < deadline else { throw HarnessError("nobody opened the gate") }
            usleep(2_000)
        }
    }
}
