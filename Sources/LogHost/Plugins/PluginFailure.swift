internal import FoundationEssentials
internal import PluginABI

/// An error a plugin has filled, copied out of C.
package struct PluginFailure: Error, Sendable {
    var code: Int
    var message: String
    package var detail: String
    var retryable: Bool

    init(_ error: loghost_error) {
        self.code = Int(error.code)
        self.message = unsafe withUnsafeBytes(of: error.message) { unsafe Self.text($0, error.message_size) }
        self.detail = unsafe withUnsafeBytes(of: error.detail) { unsafe Self.text($0, error.detail_size) }
        self.retryable = error.retryable != 0
    }

    package init(code: Int, message: String) {
        self.code = code
        self.message = message
        self.detail = ""
        self.retryable = false
    }

    /// For an answer that failed without saying how.
    static let unexplained = PluginFailure(code: LOGHOST_ERROR_INTERNAL, message: "The source failed.")

    /// For a format that cannot say in its place what is not there.
    static let missingEntries = PluginFailure(code: LOGHOST_ERROR_INTERNAL, message: "Entries are missing.")

    /// For an encoder that asks for more room and writes nothing into what it gets.
    static let noProgress = PluginFailure(code: LOGHOST_ERROR_INTERNAL, message: "The format makes no progress.")

    /// For a source that has not answered in time.
    static let silence = PluginFailure(code: LOGHOST_ERROR_TIMEOUT, message: "The source did not answer in time.")

    /// Message and detail, for the operator alone.
    var explanation: String {
        let message = self.message.isEmpty ? "the plugin says no reason" : self.message
        return self.detail.isEmpty ? message : "\(message) (\(self.detail))"
    }

    private static func text(_ bytes: UnsafeRawBufferPointer, _ size: UInt32) -> String {
        unsafe String(decoding: bytes.prefix(Int(size)), as: UTF8.self)
    }

    /// Lends an empty error to a C call.
    static func fresh() -> loghost_error {
        var error = loghost_error()
        error.size = UInt32(MemoryLayout<loghost_error>.size)
        return error
    }

    /// Reads a JSON array of texts, as many as are whole: it may have been cut at its capacity.
    private static func candidates(_ detail: String) -> [String] {
        var text = detail[...]
        while !text.isEmpty {
            if let list = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) { return list }
            // The last one, without what it is divided by from the one before, is not whole.
            guard let comma = text.dropLast().lastIndex(of: ",") else { break }
            text = text[..<comma] + "]"
        }
        return detail.isEmpty ? [] : [detail]
    }

    /// What the client is told.
    package var problem: Problem {
        let message = self.message.isEmpty ? "The source failed." : self.message
        switch self.code {
        case LOGHOST_ERROR_INVALID, LOGHOST_ERROR_UNSUPPORTED: return Problem(400, message)
        case LOGHOST_ERROR_MALFORMED_CURSOR: return Problem(400, message, parameter: "cursor")
        case LOGHOST_ERROR_CURSOR_GONE:
            var problem = Problem(410, message, parameter: "cursor")
            problem.oldestCursor = self.detail
            return problem
        case LOGHOST_ERROR_NOT_FOUND: return Problem(404, message)
        case LOGHOST_ERROR_CONFLICT:
            var problem = Problem(409, message)
            problem.candidates = Self.candidates(self.detail)
            return problem
        case LOGHOST_ERROR_UNAUTHENTICATED: return Problem(401, message)
        case LOGHOST_ERROR_FORBIDDEN: return Problem(403, message)
        case LOGHOST_ERROR_UPSTREAM: return Problem(502, message)
        case LOGHOST_ERROR_TIMEOUT: return Problem(504, message)
        case LOGHOST_ERROR_UNAVAILABLE: return Problem(503, message, retryAfter: 5)
        case LOGHOST_ERROR_LIMIT: return Problem(429, message, retryAfter: 5)
        default: return Problem(500, message)
        }
    }
}
