internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// An IAM: key set, policy query and login over HTTP or HTTPS. What it answers can be changed while it runs.
final class IAMServer: Sendable {
    enum Answer: Sendable {
        case status(Int, String)
        /// Nothing, ever.
        case silence
        /// The connection is closed instead.
        case closed
        /// After so many milliseconds.
        indirect case late(Int64, Answer)
    }

    /// One request as it came.
    struct Request: Sendable {
        let method: String
        let uri: String
        let authorization: String?
        let body: String

        /// The value of a query item, still encoded.
        func item(_ name: String) -> Substring? {
            self.uri.split(separator: "?").last?.split(separator: "&").first { $0.hasPrefix("\(name)=") }?.dropFirst(
                name.utf8.count + 1)
        }
    }

    struct Behaviour: Sendable {
        var keys: Answer
        var policy: @Sendable (Request) -> Answer = { _ in .status(404, "") }
        var login: @Sendable (Request) -> Answer = { _ in .status(401, "") }
        fileprivate var requests: [Request] = []
    }

    static let allowed = Answer.status(200, #"{"allowed": true}"#)
    static let refused = Answer.status(200, #"{"allowed": false}"#)

    let port: UInt16
    private let tls: NIOSSLContext?
    private let behaviour: Mutex<Behaviour>
    private let listener: Mutex<(any Channel)?> = Mutex(nil)

    /// Makes one that does not listen yet.
    init(keys: [IAMKey], certificate: (certificate: String, key: String)? = nil) throws {
        self.port = try ServerAddress.freePort()
        self.behaviour = Mutex(Behaviour(keys: Self.keySet(keys)))
        self.tls = try certificate.map { files in
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
            return try NIOSSLContext(
                configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
        }
    }

    /// Where it is.
    var url: String { self.tls == nil ? "http://127.0.0.1:\(self.port)" : "https://localhost:\(self.port)" }

    static func keySet(_ keys: [IAMKey]) -> Answer {
        .status(200, #"{"keys":[\#(keys.map(\.json).joined(separator: ","))]}"#)
    }

    /// Permits resource ids to everybody.
    func permit(_ resources: String...) {
        let encoded = resources.map { $0.replacing(":", with: "%3A") }
        self.change { $0.policy = { encoded.contains(String($0.item("rid") ?? "")) ? Self.allowed : Self.refused } }
    }

    func change(_ body: (inout Behaviour) -> Void) { self.behaviour.withLock { body(&$0) } }

    /// What came so far to a path that contains the text.
    func requests(_ text: String) -> [Request] {
        self.behaviour.withLock { $0.requests.filter { $0.uri.contains(text) } }
    }

    func start() async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls = self.tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(IAMHandler(server: self))
                }
            }
            .bind(host: "127.0.0.1", port: Int(self.port)).get()
        self.listener.withLock { $0 = channel }
    }

    func stop() async throws {
        try await self.listener.withLock { $0 }?.close().get()
    }

    fileprivate func answer(_ request: Request) -> Answer {
        let behaviour = self.behaviour.withLock { behaviour in
            behaviour.requests.append(request)
            return behaviour
        }
        switch (request.method, request.uri.split(separator: "?").first) {
        case ("GET", "/acs/api/v1/auth/jwks"): return behaviour.keys
        case ("GET", "/acs/api/v1/internal/policyquery"): return behaviour.policy(request)
        case ("POST", "/acs/api/v1/auth/login"): return behaviour.login(request)
        default: return .status(404, "no such path")
        }
    }
}

private final class IAMHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let server: IAMServer
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(server: IAMServer) { self.server = server }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): (self.head, self.body) = (head, [])
        case .body(let bytes): self.body += bytes.readableBytesView
        case .end:
            guard let head else { return }
            let request = IAMServer.Request(
                method: head.method.rawValue, uri: head.uri, authorization: head.headers.first(name: "authorization"),
                body: String(decoding: self.body, as: UTF8.self))
            self.send(self.server.answer(request), context)
        }
    }

    private func send(_ answer: IAMServer.Answer, _ context: ChannelHandlerContext) {
        switch answer {
        case .silence: break
        case .closed: context.close(promise: nil)
        case .late(let delay, let answer):
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(delay)) { self.send(answer, context) }
        case .status(let status, let text):
            var headers = HTTPHeaders([("content-length", "\(text.utf8.count)")])
            if !text.isEmpty { headers.add(name: "content-type", value: "application/json") }
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
            context.write(self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
