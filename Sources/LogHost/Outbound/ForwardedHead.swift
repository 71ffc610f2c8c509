internal import HTTPTypes
internal import NIOHTTP1
internal import PluginABI

extension HTTPResponse {
    /// Fields of one connection (RFC 9110, 7.6.1), those that this host says itself, and cookies, which would be set for all of its paths.
    private static let kept: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authenticate",
        "set-cookie", "set-cookie2", "date", "x-content-type-options",
    ]

    /// Takes over another server's head but for what is not for the client. Throws UPSTREAM for an answer that cannot be passed on.
    init(forwarded head: HTTPResponseHead) throws(PluginFailure) {
        let codings = head.headers[canonicalForm: "transfer-encoding"]
        guard (200...599).contains(head.status.code), codings.allSatisfy({ $0.lowercased() == "chunked" }) else {
            throw PluginFailure(code: LOGHOST_ERROR_UPSTREAM, message: "The other server's answer cannot be passed on.")
        }
        self.init(status: .known(Int(head.status.code)))
        let named = Set(head.headers[canonicalForm: "connection"].map { $0.lowercased() })
        for (name, value) in head.headers {
            let lower = name.lowercased()
            guard !Self.kept.contains(lower), !named.contains(lower), !lower.hasPrefix("access-control-"),
                let fieldName = HTTPField.Name(name)
            else { continue }
            self.headerFields.append(HTTPField(name: fieldName, value: value))
        }
        // RFC 9112, 6.3: the chunks count. RFC 9110, 8.6: 204 has no length.
        if !codings.isEmpty || self.status == .noContent { self.headerFields[.contentLength] = nil }
    }

    /// True for a status whose answer has no body.
    var isEmpty: Bool { self.status == .noContent || self.status == .notModified }

    /// True for server-sent events.
    var isEventStream: Bool {
        let type = self.headerFields[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
        return type.split(separator: " ") == ["text/event-stream"]
    }

    /// True when the body may be added to: it is neither compressed nor of a given length.
    var isOpen: Bool {
        let coding = self.headerFields[.contentEncoding]?.lowercased() ?? "identity"
        return coding == "identity" && self.headerFields[.contentLength] == nil
    }
}
