internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import PluginABI

extension PluginFailure {
    /// What a plugin is told of a request that failed. The client's own words are not passed on: they name addresses.
    init(outbound error: any Error) {
        switch error {
        case let failure as PluginFailure: self = failure
        case let error as HTTPClientError where Self.delays.contains(error): self = .slow
        case let error as HTTPClientError where error == .alreadyShutdown || error == .cancelled: self = .stopping
        case ChannelError.connectTimeout: self = .slow
        case let error as HTTPParserError where error == .headerOverflow: self = .largeHeader
        case is NIOConnectionError: self = .unreachable
        // What a numeric address fails with.
        case let error as IOError where Self.missing.contains(error.errnoCode): self = .unreachable
        case let error as IOError where error.errnoCode == ETIMEDOUT: self = .slow
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            self.init(code: LOGHOST_ERROR_UPSTREAM, message: "There is no trusted TLS connection to the other server.")
        default:
            self.init(code: LOGHOST_ERROR_UPSTREAM, message: "The other server gave no complete answer.")
            self.retryable = true
        }
    }

    private static let delays: [HTTPClientError] = [
        .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout,
    ]

    private static let missing = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL]

    private static let unreachable = PluginFailure(
        LOGHOST_ERROR_UPSTREAM, "The other server cannot be reached.", retryable: true)
    static let slow = PluginFailure(LOGHOST_ERROR_TIMEOUT, "The other server was too slow.", retryable: true)
    static let stopping = PluginFailure(LOGHOST_ERROR_UNAVAILABLE, "The host makes no requests now.", retryable: false)
    static let largeBody = PluginFailure(LOGHOST_ERROR_LIMIT, "The other server's answer is too large.", retryable: false)
    static let largeHeader = PluginFailure(
        LOGHOST_ERROR_LIMIT, "The header of the other server's answer is too large.", retryable: false)
    static let manyRequests = PluginFailure(LOGHOST_ERROR_LIMIT, "Too many requests to other servers are open.", retryable: true)
    static let manyRedirects = PluginFailure(LOGHOST_ERROR_UPSTREAM, "The other server redirects too often.", retryable: false)

    private init(_ code: Int, _ message: String, retryable: Bool) {
        self.init(code: code, message: message)
        self.retryable = retryable
    }
}
