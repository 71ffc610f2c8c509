/// What a route leads to.
public enum Resolution: Sendable {
    /// A log: requests with the same topic share one live tail. The filter is the route's own condition.
    case log(topic: [UInt8], filter: Filter = Filter())
    /// An answer the plugin writes itself; no body when `bytes` is nil.
    case answer(status: Int, headers: [(name: String, value: String)], bytes: [UInt8]?)
    /// The same, with a body that comes piece by piece.
    case stream(status: Int, headers: [(name: String, value: String)], any ByteReader)
    /// 303 to an absolute path or URL.
    case redirect(String)
    /// The host forwards the request.
    case proxy(Forward)
}

/// Where the host forwards a request to.
public struct Forward: Sendable {
    /// An absolute URL, or an absolute path that this host serves itself; with the query.
    public var location: String
    /// Headers that are added to the client's, and win over those of the same name.
    public var headers: [(name: String, value: String)] = []
    /// PEM of the authorities that sign the other server's certificate; empty = the system's.
    public var caFile = ""
    /// PEM file; empty = none.
    public var clientCertificate = ""
    /// PEM file.
    public var clientKey = ""

    /// Forwards to a URL or a path.
    public init(_ location: String) {
        self.location = location
    }
}

/// The body of an answer that is no log, piece by piece. Read by one worker thread at a time; closed by being released.
public protocol ByteReader: AnyObject, Sendable {
    /// Gives the next bytes, at most `limit`. Throwing ends the answer visibly.
    func read(limit: Int) throws -> ByteOutcome
}

/// What a `ByteReader` says.
public enum ByteOutcome: Sendable {
    /// Bytes, and more to come.
    case bytes([UInt8])
    /// More is on its way: the reader calls the `Wake` it was resolved with.
    case pending
    /// The last bytes, or none.
    case end([UInt8])
}
