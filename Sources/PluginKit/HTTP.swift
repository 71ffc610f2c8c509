internal import PluginABI

/// One request to another server, which the host makes.
public struct HTTPRequest: Sendable {
    /// The method.
    public var method: String
    /// Absolute, http or https.
    public var url: String
    /// Header fields.
    public var headers: [(name: String, value: String)] = []
    /// The body.
    public var body: [UInt8] = []
    /// From now to the answer's end; nil = the host's default.
    public var deadline: Duration?
    /// More bytes of body than this are `.limit`; nil = the host's default.
    public var bodyCapacity: Int?
    /// PEM; empty = the system's authorities.
    public var caFile = ""
    /// PEM file; empty = none.
    public var clientCertificate = ""
    /// PEM file.
    public var clientKey = ""
    /// True goes where a redirect leads; by default it is an answer like any other.
    public var followsRedirects = false

    /// Makes a request without a body.
    public init(_ method: String = "GET", _ url: String) {
        self.method = method
        self.url = url
    }
}

/// The answer of another server.
public struct HTTPResponse: Sendable {
    /// The status.
    public var status: Int
    /// Header fields, names in lower case.
    public var headers: [(name: String, value: String)]
    /// All of it.
    public var body: [UInt8]

    /// Makes an answer, as tests do.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension Host {
    /// Makes a request and waits for the whole answer. Throws a `PluginError`: `.upstream` when there is no connection or the answer
    /// is broken, `.timeout`, `.limit` for a body that is too large, `.unavailable` without the service; `CancellationError` when
    /// the task is cancelled, and with it the request.
    public func fetch(_ request: HTTPRequest) async throws -> HTTPResponse {
        throw PluginError(.unavailable, "The host makes no requests.")
    }
}
