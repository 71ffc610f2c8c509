internal import FoundationEssentials
internal import HTTPTypes
internal import NIOHTTP1
internal import NIOSSL
internal import PluginABI

/// Where a source wants a request to be forwarded.
struct Forward: Sendable {
    /// An absolute path, served by this host itself, or an absolute URL; with the query.
    var location: String
    /// Win over the client's of the same name.
    var headers: [(name: String, value: String)] = []
    var tls = TLSFilePaths()

    /// A path of this host's own.
    var isLocal: Bool { self.location.utf8.first == UInt8(ascii: "/") }
}

/// What another server is sent for a client's request.
struct ForwardedRequest: Sendable {
    let method: HTTPMethod
    let url: URL
    let headers: HTTPHeaders
    let tls: TLSConfiguration?

    /// What the host calls itself in `Via` (RFC 9110, 7.6.3).
    private static let pseudonym = "loghost"

    /// What of the client's header another server is told.
    private static let passed: [HTTPField.Name] = [.authorization, .accept, .acceptEncoding, .lastEventID, .traceparent]

    /// Makes it from the client's request. Throws INVALID or LIMIT for what the source has got wrong.
    init(_ forward: Forward, of request: HTTPRequest, certificates: TLSFiles) throws(PluginFailure) {
        guard let url = OutboundDescription.url(forward.location) else {
            throw PluginFailure(code: LOGHOST_ERROR_INVALID, message: "location: expected a path, or an http or https URL.")
        }
        var given = HTTPHeaders()
        guard forward.headers.count <= OutboundDescription.headerCount else {
            throw PluginFailure(
                code: LOGHOST_ERROR_LIMIT, message: "upstream_headers: more than \(OutboundDescription.headerCount).")
        }
        for header in forward.headers { try OutboundDescription.add(header.name, header.value, to: &given) }
        var headers = HTTPHeaders()
        for name in Self.passed where !given.contains(name: name.rawName) {
            for value in request.headerFields[values: name] { headers.add(name: name.rawName, value: value) }
        }
        headers.add(contentsOf: given)
        headers.add(name: "Via", value: "1.1 \(Self.pseudonym)")
        self.method = request.method == .head ? .HEAD : .GET
        self.url = url
        self.headers = headers
        self.tls = url.scheme?.lowercased() == "https" ? try certificates.configuration(for: forward.tls) : nil
    }

    /// True when a host of this kind has forwarded the request before.
    static func hasBeenForwarded(_ request: HTTPRequest) -> Bool {
        request.headerFields[values: .via].flatMap { $0.split(separator: ",") }.contains { element in
            // The protocol, then who received it.
            let words = element.split { $0 == " " || $0 == "\t" }
            return words.count >= 2 && words[1].lowercased() == Self.pseudonym
        }
    }
}

extension Problem {
    static let loop = Problem(508, "This request has been forwarded already.")
}
