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
    /// Makes a request and waits for the whole answer. Throws a `PluginError`: `.invalid` for a request that cannot be made, `.upstream`
    /// when there is no connection or the answer is broken, `.timeout`, `.limit` for a body that is too large or too many requests,
    /// `.unavailable` without the service; `CancellationError` when the task is cancelled, and with it the request.
    public func fetch(_ request: HTTPRequest) async throws -> HTTPResponse {
        let call = try self.makeCall()
        return try await withTaskCancellationHandler {
            try Task.checkCancellation()
            try call.begin(request, isStream: false)
            return try await call.answer()
        } onCancel: {
            call.cancel()
        }
    }

    /// Makes a request and waits for the answer's head; the body is a sequence. Throws as `fetch` does. The request's deadline ends
    /// with the head, its `bodyCapacity` has no meaning, and a server that then says nothing for five minutes is `.timeout`.
    public func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        let call = try self.makeCall()
        return try await withTaskCancellationHandler {
            try Task.checkCancellation()
            try call.begin(request, isStream: true)
            return HTTPStream(try await call.answer(), call)
        } onCancel: {
            call.cancel()
        }
    }

    private func makeCall() throws -> HTTPCall {
        guard let (host, functions) = unsafe self.service("loghost.host.http/1", as: loghost_host_http.self) else {
            throw PluginError(.unavailable, "The host makes no requests.")
        }
        return HTTPCall(service: unsafe HTTPHostService(host: host, functions: functions), calls: self.calls)
    }
}
