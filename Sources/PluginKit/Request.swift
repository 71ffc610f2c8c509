internal import PluginABI

/// A request after routing and authorization.
public struct Request: Sendable {
    /// Which route, by the plugin's own id.
    public let route: UInt32
    /// The template's variables, decoded, in their order.
    public let variables: [(name: String, value: String)]
    /// The raw query string.
    public let query: String
    /// Who asks; empty when nobody was identified.
    public let principal: String
    /// The verified credential, for plugins that declare and are granted it; else empty.
    public let credential: String
    /// For logs and for requests to other servers.
    public let requestID: String
    /// What the principal is restricted to: a route that `.appliesFilter` answers from entries that pass it only.
    public let filter: Filter

    /// The path as it came, still encoded.
    public let path: String

    /// Makes a request, as tests of a source do.
    public init(
        route: UInt32, variables: [(name: String, value: String)] = [], query: String = "", principal: String = "",
        credential: String = "", requestID: String = "", filter: Filter = Filter(), path: String = ""
    ) {
        self.route = route
        self.variables = variables
        self.query = query
        self.principal = principal
        self.credential = credential
        self.requestID = requestID
        self.filter = filter
        self.path = path
    }

    /// A variable's value, or nil when the template has none of this name.
    public subscript(_ name: String) -> String? {
        self.variables.first { $0.name == name }?.value
    }

    init(_ request: UnsafePointer<loghost_request>) {
        let request = unsafe request.pointee
        self.route = unsafe request.route_id
        self.variables = unsafe UnsafeBufferPointer(start: request.variables, count: request.variable_count).map {
            unsafe ($0.name.text, $0.value.text)
        }
        self.query = unsafe request.query.text
        self.principal = unsafe request.principal.text
        self.credential = unsafe request.credential.text
        self.requestID = unsafe request.request_id.text
        self.filter = unsafe Filter(request.filter)
        self.path = unsafe request.path.text
    }
}
