internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// What the client says of one exchange: a request has several when it is redirected.
final class OutboundExchange: HTTPClientResponseDelegate, Sendable {
    typealias Response = Void

    private let request: OutboundRequest
    private let hop: Int

    init(request: OutboundRequest, hop: Int) {
        self.request = request
        self.hop = hop
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        self.request.receive(head, hop: self.hop)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        self.request.receive(buffer, hop: self.hop)
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {}
}
