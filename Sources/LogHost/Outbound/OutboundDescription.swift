internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import PluginABI

/// One request as the plugin has asked for it, copied and checked.
struct OutboundDescription: Sendable {
    var method: HTTPMethod
    var url: URL
    var headers: HTTPHeaders
    var body: ByteBuffer?
    var deadline: TimeAmount
    var bodyCapacity: Int
    var isStream: Bool
    var followsRedirects: Bool
    var tls: TLSConfiguration?

    private static let defaultDeadline: UInt64 = 10_000_000
    private static let longestDeadline: UInt64 = 3_600_000_000
    private static let defaultBodyCapacity = 1 << 20
    private static let largestBodyCapacity = 64 << 20
    private static let requestBodyCapacity = 16 << 20
    private static let urlCapacity = 16 << 10
    private static let headerCapacity = 64 << 10
    static let headerCount = 128

    /// Copies a request out of C; throws INVALID or LIMIT with the field's name.
    init(_ request: loghost_http_request, certificates: TLSFiles) throws(PluginFailure) {
        guard unsafe Int(request.size) >= CStruct.size(of: loghost_http_request.self, to: \.client_key) else {
            throw Self.invalid("size: too small.")
        }
        self.method = try Self.method(unsafe request.method.text)
        guard unsafe request.url.size <= Self.urlCapacity else { throw Self.limit("url: more than 16 KiB.") }
        guard let url = Self.url(unsafe request.url.text) else {
            throw Self.invalid("url: expected an absolute http or https URL without a user.")
        }
        self.url = url
        self.headers = unsafe try Self.headers(UnsafeBufferPointer(start: request.headers, count: request.header_count))
        guard unsafe request.body.size <= Self.requestBodyCapacity else { throw Self.limit("body: more than 16 MiB.") }
        self.body = unsafe request.body.size == 0 ? nil : ByteBuffer(bytes: request.body.buffer)
        let asked = unsafe request.deadline_microseconds
        self.deadline = .microseconds(Int64(min(asked == 0 ? Self.defaultDeadline : asked, Self.longestDeadline)))
        let capacity = unsafe request.body_capacity
        self.bodyCapacity = capacity == 0 ? Self.defaultBodyCapacity : Int(min(capacity, UInt64(Self.largestBodyCapacity)))
        self.isStream = unsafe request.flags & UInt32(LOGHOST_HTTP_STREAM) != 0
        self.followsRedirects = unsafe request.flags & UInt32(LOGHOST_HTTP_FOLLOW_REDIRECTS) != 0
        let paths = unsafe TLSFilePaths(
            authorities: request.ca_file.text, certificate: request.client_certificate.text, key: request.client_key.text)
        // Also for http: a redirect may lead to https, and a wrong file is better known early.
        self.tls = try certificates.configuration(for: paths)
    }

    private static func invalid(_ message: String) -> PluginFailure {
        PluginFailure(code: LOGHOST_ERROR_INVALID, message: message)
    }

    private static func limit(_ message: String) -> PluginFailure {
        PluginFailure(code: LOGHOST_ERROR_LIMIT, message: message)
    }

    private static func method(_ text: String) throws(PluginFailure) -> HTTPMethod {
        // Both change what the connection's next bytes mean, or echo the headers.
        guard isToken(text), text.utf8.count <= 32, text != "CONNECT", text != "TRACE" else {
            throw self.invalid("method: expected a method such as GET; not CONNECT or TRACE.")
        }
        return HTTPMethod(rawValue: text)
    }

    /// Reads an absolute URL; nil for one that this service does not ask for.
    static func url(_ text: String) -> URL? {
        guard let url = URL(text: text), Self.isAllowed(url) else { return nil }
        return url
    }

    /// True for http and https with a host and without a user; a port that is none would end the process in the socket's code.
    static func isAllowed(_ url: URL) -> Bool {
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https" else { return false }
        guard let host = url.host(), !host.isEmpty, host.utf8.allSatisfy(isHostByte) else { return false }
        guard url.user() == nil, url.password() == nil else { return false }
        return url.port.map { (1...65_535).contains($0) } ?? true
    }

    /// What the service writes itself: two framings of one message are how requests are smuggled.
    private static let own: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade",
        "expect",
    ]

    private static func headers(_ list: UnsafeBufferPointer<loghost_header>) throws(PluginFailure) -> HTTPHeaders {
        guard list.count <= Self.headerCount else { throw self.limit("headers: more than \(Self.headerCount).") }
        var headers = HTTPHeaders()
        var size = 0
        for index in list.indices {
            let header = unsafe list[index]
            size += unsafe header.name.size + header.value.size
            guard size <= self.headerCapacity else { throw self.limit("headers: more than 64 KiB.") }
            unsafe try self.add(header.name.text, String(validating: header.value.buffer, as: UTF8.self), to: &headers)
        }
        return headers
    }

    /// Adds a header that a plugin has given; throws INVALID for one that would break the message, or that the host writes itself.
    static func add(_ name: String, _ value: String?, to headers: inout HTTPHeaders) throws(PluginFailure) {
        guard isToken(name) else { throw self.invalid("headers: expected a name of letters, digits and hyphens.") }
        guard !self.own.contains(name.lowercased()) else { throw self.invalid("headers: \(name) is the host's to set.") }
        guard let value, isFieldValue(value) else {
            throw self.invalid("headers: \(name): expected a value of text without control characters.")
        }
        headers.add(name: name, value: value)
    }
}

/// The characters of RFC 9110's `token`.
private func isToken(_ text: String) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
}

/// Names and addresses; no percent signs, behind which anything could come into the Host header.
private func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "-._:[]".utf8.contains(byte)
    }
}

private func isFieldValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
}
