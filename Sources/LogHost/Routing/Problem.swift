/// What is wrong with this request, for the client: an HTTP status, a sentence, and what goes with the status.
///
/// Made once, where the fault is understood. Never holds an address, a token or a file system path.
package struct Problem: Error, Hashable, Sendable {
    package var status: Int
    package var detail: String
    /// The parameter or header that is wrong.
    package var parameter: String?
    /// Seconds, with 429 and 503.
    package var retryAfter: Int?
    /// The oldest cursor there is, with 410.
    package var oldestCursor: String?
    /// With 405.
    package var allow: [String] = []
    /// `WWW-Authenticate` values, with 401.
    package var challenges: [String] = []
    /// The media types there are, with 406; the candidates, with 409.
    package var candidates: [String] = []

    package init(_ status: Int, _ detail: String, parameter: String? = nil, retryAfter: Int? = nil) {
        self.status = status
        self.detail = detail
        self.parameter = parameter
        self.retryAfter = retryAfter
    }

    /// The same of a cursor that came as the header Last-Event-ID.
    var ofLastEventID: Problem {
        var problem = self
        problem.parameter = "Last-Event-ID"
        if self.status == 400 { problem.detail = "The header Last-Event-ID is no id of this log's events." }
        return problem
    }
}
