internal import NIOCore
internal import NIOHTTP1

/// Sees to what HTTP's types above do not know any more: where the request said it goes, its version, and whether the answer has a body.
///
/// A target in absolute form names the host, whatever the Host field says (RFC 9112, 3.2.2). HTTP/1.0 knows no chunks: such an answer ends
/// with its connection. The answer to HEAD has neither chunks nor a last one.
final class MessageFraming: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private struct Request {
        var isHead: Bool
        var isOld: Bool
        /// Nothing can follow on its connection: HTTP/1.0, or a request to leave HTTP, behind which the parser hears no more.
        var isLast: Bool
    }

    /// Requests without a complete answer; more than one when a client does not wait.
    private var requests: [Request] = []

    /// A client that asks on and on without listening would keep its own departure from being heard.
    private static let pipelineCapacity = 64

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = Self.unwrapInboundIn(data) else {
            context.fireChannelRead(data)
            return
        }
        let isOld = head.version == .http1_0 || head.version.major == 0
        let leavesHTTP = head.method == .CONNECT || head.headers.contains(name: "Upgrade")
        self.requests.append(Request(isHead: head.method == .HEAD, isOld: isOld, isLast: isOld || leavesHTTP))
        guard self.requests.count <= Self.pipelineCapacity else {
            context.close(promise: nil)
            return
        }
        Self.resolveTarget(&head)
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let request = self.requests.first ?? Request(isHead: false, isOld: false, isLast: false)
        switch Self.unwrapOutboundIn(data) {
        case .head(var head):
            // An informational answer is not the answer.
            guard head.status.code >= 200 else { break }
            if request.isLast { head.headers.replaceOrAdd(name: "Connection", value: "close") }
            if request.isOld {
                head.version = .http1_0
            } else if !request.isHead, head.status.mayHaveResponseBody, !head.headers.contains(name: "Content-Length") {
                head.headers.replaceOrAdd(name: "Transfer-Encoding", value: "chunked")
            }
            context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
            return
        case .body:
            break
        case .end:
            if !self.requests.isEmpty { self.requests.removeFirst() }
            guard request.isLast else { break }
            context.writeAndFlush(data, promise: promise)
            context.close(mode: .output, promise: nil)
            return
        }
        context.write(data, promise: promise)
    }

    private static func resolveTarget(_ head: inout HTTPRequestHead) {
        let target = head.uri
        guard target.utf8.first != UInt8(ascii: "/"), let scheme = target.firstRange(of: "://") else { return }
        let rest = target[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest[authority.endIndex...]
        head.headers.replaceOrAdd(name: "Host", value: String(authority))
        head.uri = path.hasPrefix("/") ? String(path) : "/\(path)"
    }
}
