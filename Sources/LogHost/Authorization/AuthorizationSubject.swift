internal import HTTPTypes
internal import PluginABI

/// A request as authorizers see it.
package struct AuthorizationSubject: Sendable {
    package var method: String
    /// As it came, without the query.
    package var path: String
    /// The matched template, with the prefix it was reached by.
    package var route: String
    /// The instance that serves it.
    package var plugin: String
    package var variables: [(name: String, value: String)]
    /// Names in lower case.
    package var headers: [(name: String, value: String)]
    package var peer: Peer
    package var requestID: String
    /// The answer consists of entries that a filter can choose: else who may see some of them only may not have it.
    package var canBeFiltered: Bool

    package init(
        method: String, path: String, route: String, plugin: String, variables: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], peer: Peer = Peer(), requestID: String = "", canBeFiltered: Bool = true
    ) {
        self.method = method
        self.path = path
        self.route = route
        self.plugin = plugin
        self.variables = variables
        self.headers = headers
        self.peer = peer
        self.requestID = requestID
        self.canBeFiltered = canBeFiltered
    }

    /// Lends the request to a C call, with what is known of the client so far; whoever keeps the memory keeps what was lent.
    func lend<Result>(
        grant: Grant, withCredential: Bool, isRecheck: Bool, in memory: CMemory,
        _ body: (UnsafePointer<loghost_authorization_request>) -> Result
    ) -> Result {
        let variables = unsafe self.variables.map {
            unsafe loghost_variable(name: memory.bytes($0.name), value: memory.bytes($0.value))
        }
        let headers = unsafe self.headers.map {
            unsafe loghost_header(name: memory.bytes($0.name), value: memory.bytes($0.value))
        }
        let names = unsafe self.peer.certificateNames.map { unsafe memory.bytes($0) }
        let peer = unsafe loghost_peer(
            size: UInt32(MemoryLayout<loghost_peer>.size), has_unix_credentials: self.peer.unix == nil ? 0 : 1,
            address: memory.bytes(self.peer.address), uid: self.peer.unix?.uid ?? .max, gid: self.peer.unix?.gid ?? .max,
            pid: self.peer.unix?.pid ?? 0, reserved: 0, certificate_subject: memory.bytes(self.peer.certificateSubject),
            certificate_names: memory.array(names), certificate_name_count: names.count)
        let request = unsafe loghost_authorization_request(
            size: UInt32(MemoryLayout<loghost_authorization_request>.size), recheck: isRecheck ? 1 : 0,
            method: memory.bytes(self.method), path: memory.bytes(self.path), route: memory.bytes(self.route),
            plugin: memory.bytes(self.plugin), variables: memory.array(variables), variable_count: variables.count,
            headers: memory.array(headers), header_count: headers.count, peer: memory.copy(peer),
            principal: memory.bytes(grant.principal), request_id: memory.bytes(self.requestID),
            credential: memory.bytes(withCredential ? grant.credential : ""))
        return unsafe body(memory.copy(request))
    }
}
