internal import HTTPTypes
internal import NIOCore

extension Problem {
    private static let offers = [
        Negotiation.Offer(name: "text", mediaTypes: ["text/plain", "text/html"]),
        Negotiation.Offer(name: "json", mediaTypes: ["application/problem+json", "application/json"]),
    ]

    /// The body, `application/problem+json` (RFC 9457) for who asks for JSON, else one plain line.
    func body(accept: [String], format: String?) -> (contentType: String, text: String) {
        let format = format.flatMap { name in Self.offers.contains { $0.name == name } ? name : nil }
        let choice = try? Negotiation.choose(accept: accept, format: format, offers: Self.offers)
        guard choice == 1 else { return ("text/plain; charset=utf-8", self.line + "\n") }
        var members: [(String, JSONText.Value)] = [
            ("type", .text("about:blank")), ("title", .text(self.title)), ("status", .number(UInt64(self.status))),
            ("detail", .text(self.detail)),
        ]
        if let parameter { members.append(("parameter", .text(parameter))) }
        if let oldestCursor { members.append(("oldest_cursor", oldestCursor.isEmpty ? .null : .text(oldestCursor))) }
        if !self.candidates.isEmpty {
            members.append((self.status == 406 ? "media_types" : "candidates", .list(self.candidates)))
        }
        return ("application/problem+json", JSONText.object(members) + "\n")
    }

    /// The data of a `fault` event.
    var data: String { JSONText.object([("status", .number(UInt64(self.status))), ("detail", .text(self.detail))]) }

    /// Everything in one line, for people.
    private var line: String {
        var line = "\(self.status) \(self.title): \(self.detail)"
        if let oldestCursor, !oldestCursor.isEmpty { line += " The oldest cursor is \(oldestCursor)" }
        if !self.candidates.isEmpty { line += " There are: \(self.candidates.joined(separator: ", "))" }
        return line
    }

    private var title: String { HTTPResponse.Status.known(self.status).reasonPhrase }

    /// The headers that go with the status.
    var headers: HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-cache"]
        if let retryAfter { headers[.retryAfter] = "\(retryAfter)" }
        if !self.challenges.isEmpty { headers[values: .wwwAuthenticate] = self.challenges }
        if !self.allow.isEmpty { headers[.allow] = self.allow.joined(separator: ", ") }
        return headers
    }
}

extension HTTPResponse.Status {
    /// A status with the phrase of its registration, where there is one (RFC 9110, 15).
    static func known(_ code: Int) -> HTTPResponse.Status {
        let named: [HTTPResponse.Status] = [
            .ok, .noContent, .seeOther, .badRequest, .unauthorized, .forbidden, .notFound, .methodNotAllowed, .notAcceptable,
            .conflict,
            .gone, .uriTooLong, .misdirectedRequest, .tooManyRequests, .requestHeaderFieldsTooLarge, .internalServerError,
            .notImplemented, .badGateway, .serviceUnavailable, .gatewayTimeout, .init(code: 508, reasonPhrase: "Loop Detected"),
        ]
        return named.first { $0.code == code } ?? .init(code: code)
    }
}
