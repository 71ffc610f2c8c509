/// The answer of another server whose body comes in pieces, as fast as they are taken: while nobody takes them, at most
/// about 300 KB wait in memory, and then the other server does.
///
/// The request is given up when the stream and its iterators are gone, when `cancel` is called, or when a task is cancelled that
/// waits for a piece.
public struct HTTPStream: AsyncSequence, Sendable {
    /// The next bytes; never empty.
    public typealias Element = [UInt8]

    /// The status.
    public let status: Int
    /// Header fields, names in lower case.
    public let headers: [(name: String, value: String)]
    private let owner: Owner

    /// Gives the request up with the last reference to the stream.
    fileprivate final class Owner: Sendable {
        let call: HTTPCall

        init(_ call: HTTPCall) {
            self.call = call
        }

        deinit { self.call.cancel() }
    }

    init(_ head: HTTPResponse, _ call: HTTPCall) {
        self.status = head.status
        self.headers = head.headers
        self.owner = Owner(call)
    }

    /// Gives the request up; whoever waits for a piece gets a `CancellationError`. Does nothing at the end.
    public func cancel() { self.owner.call.cancel() }

    /// Makes the iterator. There is one body: a second iterator gets what the first has not taken.
    public func makeAsyncIterator() -> Iterator { Iterator(owner: self.owner) }

    /// Takes the pieces in order.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let owner: Owner

        /// Waits for the next piece; nil when the body is complete. Throws a `PluginError` when it broke off, `CancellationError`
        /// when the task is cancelled. One call at a time.
        public mutating func next() async throws -> [UInt8]? { try await self.owner.call.next() }
    }
}
