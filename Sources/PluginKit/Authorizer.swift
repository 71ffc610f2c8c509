/// Decides who may read. Called on the shared cooperative pool: it may await, but must not block a thread.
public protocol Authorizer: Sendable {
    /// Decides at once when nothing has to be waited for, else answers nil and is asked by `authorize`. Runs on the caller's thread,
    /// without the cost of a task: what a cache knows belongs here.
    func decide(_ request: AuthorizationRequest) -> Decision?

    /// Decides. Throwing is "cannot decide", which never allows anything. Cancelled when the host no longer waits.
    func authorize(_ request: AuthorizationRequest) async throws -> Decision
}

extension Authorizer {
    /// By default everything is decided by `authorize`.
    public func decide(_ request: AuthorizationRequest) -> Decision? { nil }
}

/// Who is at the other end, as far as the transport has proved it.
public struct Peer: Sendable {
    /// Credentials of a unix socket's peer, from the kernel.
    public struct UnixCredentials: Sendable {
        /// The user.
        public var uid: UInt32
        /// The group.
        public var gid: UInt32
        /// The process.
        public var pid: Int32

        /// Makes credentials, as tests of an authorizer do.
        public init(uid: UInt32, gid: UInt32, pid: Int32) {
            self.uid = uid
            self.gid = gid
            self.pid = pid
        }
    }

    /// Numeric; empty on a unix socket.
    public var address = ""
    /// On a unix socket.
    public var unix: UnixCredentials?
    /// Of a verified client certificate, RFC 4514; else empty.
    public var certificateSubject = ""
    /// Its subject alternative names: `dns:…`, `uri:…`, `email:…`.
    public var certificateNames: [String] = []
}

/// What is to be decided.
public struct AuthorizationRequest: Sendable {
    /// The HTTP method.
    public var method = "GET"
    /// The path as it came, without the query.
    public var path = ""
    /// The matched template, with the prefix it was reached by.
    public var route = ""
    /// The instance that serves it.
    public var plugin = ""
    /// The template's variables.
    public var variables: [(name: String, value: String)] = []
    /// Header fields, names in lower case.
    public var headers: [(name: String, value: String)] = []
    /// Who is at the other end.
    public var peer = Peer()
    /// What an authorizer before this one has verified; else empty.
    public var principal = ""
    /// The credential that an authorizer before this one has verified, for plugins that declare and are granted it; else empty.
    public var credential = ""
    /// For logs and for requests to other servers.
    public var requestID = ""
    /// True when asked again during a follow.
    public var isRecheck = false

    /// Makes an empty request, as tests of an authorizer do.
    public init() {}
}

/// A verdict and what goes with it.
public struct Decision: Sendable {
    /// The verdict.
    public enum Verdict: Int32, Sendable {
        /// May read.
        case allow = 1
        /// Known, and may not: 403.
        case deny = 2
        /// A credential of this authorizer's kind, and bad: 401.
        case unauthenticated = 3
        /// Not this authorizer's to say.
        case abstain = 4
        /// Would have to know something it cannot find out now: 503.
        case cannotDecide = 5
    }

    /// The verdict.
    public var verdict: Verdict
    /// Who, when the authorizer knows.
    public var principal = ""
    /// The verified credential, passed only to plugins that are granted it.
    public var credential = ""
    /// The `WWW-Authenticate` value of a 401; with `.abstain` for a client that nobody knows.
    public var challenge = ""
    /// When a stream ends, in microseconds since the epoch; 0 = never.
    public var expires: UInt64 = 0
    /// When to ask again during a follow; nil = the host's interval.
    public var recheckAfter: Duration?
    /// What the host adds to every query; names begin with `_`.
    public var filter = Filter()
    /// A word or two for the audit record, never shown to the client.
    public var reason = ""
    /// For the audit record: what the decision was about, such as an IAM's resource id.
    public var object = ""
    /// For the audit record: what was to be done with it.
    public var action = ""

    /// Makes a decision.
    public init(_ verdict: Verdict) {
        self.verdict = verdict
    }
}
