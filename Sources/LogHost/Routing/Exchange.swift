internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// One request and the answer it is going to get.
// Used by the one task that answers the request.
final class Exchange: @unchecked Sendable {
    /// An answer, ready to be written.
    enum Answer {
        /// All of it is there.
        case whole(HTTPResponse, ByteBuffer?)
        /// A head, and a body that is written as it comes.
        case streamed(HTTPResponse, @Sendable (Outbound) async throws -> Void)
    }

    /// The connection's way out; a write suspends until the socket has room.
    typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPResponsePart>

    let request: HTTPRequest
    /// Of what is served: what was asked for, or where a source has led to.
    private(set) var path = ""
    private(set) var queryString = ""
    /// A source has led to another path of this host.
    private(set) var isForwarded = false
    let channel: any Channel
    private let site: Site
    /// Names the request in logs and to other servers.
    let id = RequestID.next()
    let start = NIODeadline.now()
    /// The template of the route that answers.
    private(set) var route = RequestMetrics.noRoute
    /// The format of a log's answer.
    private(set) var format = ""
    /// What has been sent.
    private(set) lazy var tally = AnswerTally(self.site.requests.meter(route: self.route, format: self.format))
    /// The status of the answer's head, once that is written.
    private(set) var status = 0
    /// Nothing more is answered on its connection.
    var endsConnection = false
    /// Other origins' pages may read the answer.
    var allowsOrigins = true
    /// What the authorizers have allowed; nil without authorizers.
    var subject: AuthorizationSubject?
    /// Whom the authorizers have recognized.
    var principal = ""
    var answer: Answer?
    /// The head of a streamed answer, until it is written.
    private var head: HTTPResponse?

    init(request: HTTPRequest, channel: any Channel, site: Site) {
        self.request = request
        self.channel = channel
        self.site = site
        self.serve(request.path ?? "")
    }

    private func serve(_ target: String) {
        let target = target.prefix { $0 != "#" }
        let mark = target.firstIndex(of: "?")
        self.path = String(target[..<(mark ?? target.endIndex)])
        self.queryString = mark.map { String(target[target.index(after: $0)...]) } ?? ""
    }

    /// Says what the answer counts for; before any of it is counted.
    func measure(route: String, format: String = "") { (self.route, self.format) = (route, format) }

    /// Goes on as if this path had been asked for.
    func forward(to target: String) {
        self.serve(target)
        self.isForwarded = true
    }

    var accept: [String] { self.request.headerFields[values: .accept] }

    /// The client's address for limits; empty on a unix socket.
    lazy var clientAddress = ClientAddress.of(
        self.channel.remoteAddress, forwardedFor: self.request.headerFields[values: .forwardedFor],
        trusted: self.site.configuration.trustedProxies)

    /// What the transport knows of the client, with the address that counts as the client's.
    var peer: Peer {
        var peer = self.site.connections.connection(of: self.channel)?.peer ?? Peer()
        peer.address = self.clientAddress
        return peer
    }

    /// Headers that every answer has.
    func decorate(_ head: inout HTTPResponse) {
        head.headerFields[.date] = HTTPDate.now
        // Logs are bytes that anybody may have written: no browser shall take them for a page.
        head.headerFields[.xContentTypeOptions] = "nosniff"
        // RFC 9110, 15.5.2: there must be one, whoever says that a credential is needed.
        if head.status == .unauthorized, head.headerFields[.wwwAuthenticate] == nil {
            head.headerFields[.wwwAuthenticate] = "Bearer"
        }
        if self.endsConnection { head.headerFields[.connection] = "close" }
        guard self.allowsOrigins, !self.site.isUnprotected else { return }
        head.headerFields[.accessControlAllowOrigin] = self.site.configuration.streams.corsOrigin
        head.headerFields[.accessControlExposeHeaders] = "X-Journal-Skip-Next, X-Journal-Skip-Prev"
    }

    func problem(_ problem: Problem) -> Answer {
        let format = (try? QueryItems(self.queryString))?.first("format")
        let (contentType, text) = problem.body(accept: self.accept, format: format)
        var head = HTTPResponse(status: .known(problem.status), headerFields: problem.headers)
        head.headerFields[.contentType] = contentType
        head.headerFields[.vary] = "Accept"
        return .whole(head, ByteBuffer(string: text))
    }

    /// The answer to OPTIONS, a CORS preflight among others.
    func preflight() -> Answer {
        var head = HTTPResponse(status: .noContent)
        head.headerFields[.allow] = "GET, HEAD, OPTIONS"
        if self.allowsOrigins, !self.site.isUnprotected {
            head.headerFields[.accessControlAllowMethods] = "GET, HEAD, OPTIONS"
            head.headerFields[.accessControlAllowHeaders] = "Authorization, Accept, Last-Event-ID"
            head.headerFields[.accessControlMaxAge] = "600"
        }
        return .whole(head, nil)
    }

    /// Writes the answer. For HEAD the body stays away.
    func write(to outbound: Outbound) async throws {
        let isHead = self.request.method == .head
        // Taken out: a streamed answer holds this exchange, and its place among the others, until it has ended.
        switch self.answer.take() {
        case .whole(var head, let body):
            self.decorate(&head)
            self.begin(head)
            if let body, head.status != .noContent { head.headerFields[.contentLength] = "\(body.readableBytes)" }
            var parts: [HTTPResponsePart] = [.head(head)]
            if let body, !isHead, head.status != .noContent { parts.append(.body(body)) }
            try await self.write(parts + [.end(nil)], bytes: isHead ? 0 : body?.readableBytes ?? 0, to: outbound)
        case .streamed(var head, let body):
            self.decorate(&head)
            self.begin(head)
            if isHead {
                try await self.write([.head(head), .end(nil)], bytes: 0, to: outbound)
                return
            }
            // Goes out with the first piece.
            self.head = head
            try await body(outbound)
            try await self.write([.end(nil)], bytes: 0, to: outbound)
        case nil:
            throw Problem(500, "The host has no answer.")
        }
    }

    private func begin(_ head: HTTPResponse) {
        self.status = head.status.code
        self.site.requests.count(route: self.route, status: self.status, format: self.format)
        self.site.requests.recordHead(route: self.route, since: self.start)
    }

    /// Writes a piece of a streamed body.
    func write(_ bytes: ByteBuffer, to outbound: Outbound) async throws {
        try await self.write([bytes], to: outbound)
    }

    /// True when writing so much may have to wait for the client.
    func mayHaveToWait(bytes: Int) -> Bool { bytes > 32 << 10 || !self.channel.isWritable }

    /// Writes pieces of a streamed body at once.
    func write(_ pieces: [ByteBuffer], to outbound: Outbound, stall: Duration? = nil) async throws {
        let pieces = pieces.filter { $0.readableBytes > 0 }
        try await self.write(
            pieces.map { .body($0) }, bytes: pieces.reduce(0) { $0 + $1.readableBytes }, to: outbound, stall: stall)
    }

    /// Writes, and closes the connection when that takes too long. What fits the socket's buffer does not have to be watched.
    private func write(_ parts: [HTTPResponsePart], bytes: Int, to outbound: Outbound, stall: Duration? = nil) async throws {
        var parts = parts
        if let head = self.head.take() { parts.insert(.head(head), at: 0) }
        guard self.mayHaveToWait(bytes: bytes) else {
            try await outbound.write(contentsOf: parts)
            self.tally.add(bytes: bytes)
            return
        }
        let watch = StallWatch(channel: self.channel, limit: TimeAmount(stall ?? self.site.limits.rangeStall))
        watch.begin()
        defer { watch.end() }
        try await outbound.write(contentsOf: parts)
        self.tally.add(bytes: bytes)
    }
}

extension HTTPField.Name {
    static let forwardedFor = Self(literal: "X-Forwarded-For")
    static let lastEventID = Self(literal: "Last-Event-ID")
    static let accelBuffering = Self(literal: "X-Accel-Buffering")
    static let skipNext = Self(literal: "X-Journal-Skip-Next")
    static let skipPrev = Self(literal: "X-Journal-Skip-Prev")

    private init(literal: StaticString) {
        guard let name = Self("\(literal)") else { preconditionFailure("\(literal) is no header name") }
        self = name
    }
}
