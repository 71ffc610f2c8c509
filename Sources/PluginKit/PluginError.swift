internal import PluginABI

/// How a plugin's call fails: a code the host acts on and a sentence for people.
///
/// The message reaches clients and logs: it holds no token, no file path and no address. Any other error that leaves
/// a plugin's function becomes `.internalFault` with a neutral message, and its description goes to the host's log.
public struct PluginError: Error, Sendable, Hashable {
    /// What went wrong; the comments name the HTTP status the host makes of it.
    public enum Code: Int32, Sendable, Hashable {
        /// A fault of the plugin: 500.
        case internalFault = 1
        /// The request or the configuration says something impossible: 400.
        case invalid = 2
        /// Not a cursor of this topic: 400.
        case malformedCursor = 3
        /// A good cursor whose entry is gone; `detail` is the oldest there is: 410.
        case cursorGone = 4
        /// 404.
        case notFound = 5
        /// Several candidates; `detail` is a JSON array of them: 409.
        case conflict = 6
        /// 401.
        case unauthenticated = 7
        /// 403.
        case forbidden = 8
        /// Another server failed; `detail` names its role: 502.
        case upstream = 9
        /// Another server was too slow; `detail` names its role: 504.
        case timeout = 10
        /// Not now: 503.
        case unavailable = 11
        /// Too many or too much: 429.
        case limit = 12
        /// A query this source cannot answer: 400.
        case unsupported = 13
    }

    /// What went wrong.
    public var code: Code
    /// One sentence; cut at 256 bytes.
    public var message: String
    /// What the code says; cut at 1,024 bytes.
    public var detail: String
    /// True when the same call may succeed later.
    public var retryable: Bool

    /// Makes an error.
    public init(_ code: Code, _ message: String, detail: String = "", retryable: Bool = false) {
        self.code = code
        self.message = message
        self.detail = detail
        self.retryable = retryable
    }
}

extension UnsafeMutablePointer<loghost_error> {
    /// Writes an error where C expects it, within the size the caller gave. Returns its code.
    @discardableResult
    func fill(_ error: any Error) -> Int32 {
        let failure = (error as? PluginError) ?? PluginError(.internalFault, "The plugin failed.")
        unsafe self.pointee.code = failure.code.rawValue
        unsafe self.pointee.retryable = failure.retryable ? 1 : 0
        unsafe self.pointee.message_size = withUnsafeMutableBytes(of: &self.pointee.message) {
            unsafe copy(failure.message, into: $0)
        }
        unsafe self.pointee.detail_size = withUnsafeMutableBytes(of: &self.pointee.detail) {
            unsafe copy(failure.detail, into: $0)
        }
        return failure.code.rawValue
    }
}

/// Copies text, cut at the capacity on a character boundary. Returns the bytes written.
private func copy(_ text: String, into target: UnsafeMutableRawBufferPointer) -> UInt32 {
    var text = text
    return text.withUTF8 { source in
        var count = min(source.count, target.count)
        while count > 0, count < source.count, unsafe source[count] & 0xC0 == 0x80 { count -= 1 }
        if let from = source.baseAddress, let to = target.baseAddress { unsafe to.copyMemory(from: from, byteCount: count) }
        return UInt32(count)
    }
}
