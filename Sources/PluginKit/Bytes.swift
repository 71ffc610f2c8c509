internal import PluginABI

extension loghost_bytes {
    /// Copies the bytes out.
    var array: [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: self.data, count: self.size))
    }

    /// Copies the bytes out as text; what is not UTF-8 becomes U+FFFD.
    var text: String {
        unsafe String(decoding: UnsafeBufferPointer(start: self.data, count: self.size), as: UTF8.self)
    }

    /// Reads the bytes in place.
    var span: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: self.data, count: self.size))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}

/// Lends text or bytes to a C call.
func withBytes<Result>(_ text: String, _ body: (loghost_bytes) -> Result) -> Result {
    var text = text
    return text.withUTF8 { buffer in
        unsafe body(loghost_bytes(data: buffer.baseAddress, size: buffer.count))
    }
}
