import NIOCore
import NIOPosix
import NIOSSL

/// A server for requests of the host's: what it answers, a test writes byte by byte.
final class OutboundServer: Sendable {
    /// Gets one whole request as text, and answers on the channel.
    typealias Answer = @Sendable (String, any Channel) -> Void

    let port: Int
    /// All requests so far.
    let requests = Shared<[String]>([])
    let connections = Shared(0)
    private let channel: any Channel

    private init(_ channel: any Channel) {
        self.channel = channel
        self.port = channel.localAddress?.port ?? 0
    }

    /// Serves on a free port while the body runs.
    static func with(
        tls: TLSConfiguration? = nil, answer: @escaping Answer, _ body: (OutboundServer) async throws -> Void
    ) async throws {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let holder = Shared<OutboundServer?>(nil)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
                    try channel.pipeline.syncOperations.addHandler(Connection(holder: holder, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = OutboundServer(channel)
        holder.withLock { $0 = server }
        do {
            try await body(server)
        } catch {
            try await channel.close()
            throw error
        }
        holder.withLock { $0 = nil }
        try await channel.close()
    }

    var url: String { "http://127.0.0.1:\(self.port)" }

    /// Collects a request, asks for the answer, and so on.
    private final class Connection: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let holder: Shared<OutboundServer?>
        private let answer: Answer
        private var text = ""

        init(holder: Shared<OutboundServer?>, answer: @escaping Answer) {
            self.holder = holder
            self.answer = answer
        }

        func channelActive(context: ChannelHandlerContext) {
            self.holder.withLock { $0 }?.connections.withLock { $0 += 1 }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.text += String(buffer: self.unwrapInboundIn(data))
            while let end = self.text.firstRange(of: "\r\n\r\n") {
                let head = self.text[..<end.lowerBound].lowercased()
                let length = head.firstRange(of: "content-length: ").map { range in
                    Int(head[range.upperBound...].prefix { $0.isNumber }) ?? 0
                }
                guard self.text[end.upperBound...].utf8.count >= length ?? 0 else { return }
                let rest = self.text[end.upperBound...].utf8.dropFirst(length ?? 0)
                let request = String(self.text.utf8.dropLast(rest.count)) ?? ""
                self.text = String(rest) ?? ""
                self.holder.withLock { $0 }?.requests.withLock { $0.append(request) }
                self.answer(request, context.channel)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

extension Channel {
    /// Writes an answer with its length.
    func respond(_ status: String = "200 OK", _ headers: [String] = [], body: String = "") {
        let head = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
        self.send(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    func send(_ text: String) { self.writeAndFlush(ByteBuffer(string: text), promise: nil) }

    /// Writes this much, 64 KiB at a time, each when the kernel has taken the one before; counts what it has taken.
    func pour(_ remaining: Int, into sent: Shared<Int>) {
        guard remaining > 0 else { return }
        let count = min(remaining, 64 << 10)
        self.writeAndFlush(ByteBuffer(repeating: UInt8(ascii: "x"), count: count)).whenSuccess {
            sent.withLock { $0 += count }
            self.pour(remaining - count, into: sent)
        }
    }
}

/// Waits until something holds; false when it does not within a generous time.
func eventually(_ condition: () -> Bool) async -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(60)
    while !condition() {
        if clock.now > deadline { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}
