internal import FoundationEssentials
internal import NIOHTTP1
internal import NIOSSL

extension OutboundDescription {
    /// The next request when an answer leads elsewhere; nil when it is the answer.
    // By hand: the client follows redirects for all its requests or for none, keeps the client's certificate across origins
    // and takes 304 and 305 for redirects.
    func redirected(by head: HTTPResponseHead) -> OutboundDescription? {
        guard self.followsRedirects, [301, 302, 303, 307, 308].contains(head.status.code),
            let location = head.headers.first(name: "location"),
            let target = URL(text: location, relativeTo: self.url)?.absoluteURL, Self.isAllowed(target)
        else { return nil }
        let origin = Origin(self.url)
        let next = Origin(target)
        // What was meant for an encrypted connection does not go over a plain one.
        guard origin.scheme == next.scheme || next.scheme == "https" else { return nil }
        var result = self
        result.url = target
        if (head.status.code == 303 && self.method != .HEAD) || (head.status.code <= 302 && self.method == .POST) {
            result.method = .GET
            result.body = nil
            for name in ["content-type", "content-encoding", "content-language"] { result.headers.remove(name: name) }
        }
        if origin != next {
            for name in ["authorization", "cookie", "proxy-authorization", "origin"] { result.headers.remove(name: name) }
            result.tls?.certificateChain = []
            result.tls?.privateKey = nil
        }
        return result
    }
}

/// Who is asked: what a credential was given for.
private struct Origin: Equatable {
    var scheme: String
    var host: String
    var port: Int

    init(_ url: URL) {
        self.scheme = url.scheme?.lowercased() ?? ""
        self.host = url.host()?.lowercased() ?? ""
        self.port = url.port ?? (self.scheme == "https" ? 443 : 80)
    }
}
