internal import NIOCore
internal import NIOHTTP1
internal import PluginABI

/// What a plugin has given to be called with, and how its C calls are made.
// Two or three functions and a context, which the ABI allows calling from any thread.
@safe
struct OutboundCallbacks: @unchecked Sendable {
    private let functions: loghost_http_callbacks
    private let context: UnsafeMutableRawPointer?

    /// Copies the functions; throws INVALID when one is missing.
    init(_ functions: loghost_http_callbacks, context: UnsafeMutableRawPointer?, isStream: Bool) throws(PluginFailure) {
        guard unsafe Int(functions.size) >= CStruct.size(of: loghost_http_callbacks.self, to: \.chunk),
            unsafe functions.complete != nil,
            unsafe !isStream || (functions.head != nil && functions.chunk != nil)
        else {
            throw PluginFailure(
                code: LOGHOST_ERROR_INVALID, message: "callbacks: expected complete, and for a stream head and chunk.")
        }
        self.functions = functions
        unsafe self.context = context
    }

    func head(_ head: HTTPResponseHead) {
        unsafe Self.lend(head, body: ByteBuffer()) { unsafe self.functions.head?(self.context, $0) }
    }

    /// Answers false when the plugin wants a pause.
    func chunk(_ buffer: ByteBuffer) -> Bool {
        unsafe buffer.withUnsafeReadableBytes { bytes in
            unsafe self.functions.chunk?(self.context, bytes.lent) != 0
        }
    }

    /// Ends with the whole answer, or a stream's end.
    func complete(_ head: HTTPResponseHead?, body: ByteBuffer) {
        if let head {
            unsafe Self.lend(head, body: body) { unsafe self.functions.complete?(self.context, $0, nil) }
        } else {
            unsafe self.functions.complete?(self.context, nil, nil)
        }
    }

    func complete(_ failure: PluginFailure) {
        var error = PluginFailure.fresh()
        unsafe withUnsafeMutablePointer(to: &error) { unsafe $0.fill(failure) }
        unsafe self.functions.complete?(self.context, nil, &error)
    }

    private static func lend(
        _ head: HTTPResponseHead, body: ByteBuffer, to call: (UnsafePointer<loghost_http_response>) -> Void
    ) {
        let memory = CMemory()
        let headers = unsafe head.headers.map { name, value in
            unsafe loghost_header(name: memory.bytes(name.lowercased()), value: memory.bytes(value))
        }
        unsafe body.withUnsafeReadableBytes { bytes in
            var response = unsafe loghost_http_response(
                size: UInt32(MemoryLayout<loghost_http_response>.size), status: UInt32(head.status.code),
                headers: memory.array(headers), header_count: headers.count, body: bytes.lent)
            unsafe call(&response)
        }
        withExtendedLifetime(memory) {}
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var lent: loghost_bytes {
        unsafe loghost_bytes(data: self.baseAddress?.assumingMemoryBound(to: UInt8.self), size: self.count)
    }
}

extension UnsafeMutablePointer<loghost_error> {
    /// Writes a failure with its detail; both are cut at their capacity.
    func fill(_ failure: PluginFailure) {
        unsafe self.fill(code: failure.code, failure.message)
        unsafe self.pointee.retryable = failure.retryable ? 1 : 0
        let detail = Array(failure.detail.utf8.prefix(Int(LOGHOST_ERROR_DETAIL_CAPACITY)))
        unsafe withUnsafeMutableBytes(of: &self.pointee.detail) { unsafe $0.copyBytes(from: detail) }
        unsafe self.pointee.detail_size = UInt32(detail.count)
    }
}
