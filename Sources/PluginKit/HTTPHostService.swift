internal import PluginABI

/// The host's HTTP functions, called with and calling back into `HTTPCall`.
// The host keeps both until the instance's destroy has returned, and they are for any thread.
@safe
struct HTTPHostService: @unchecked Sendable {
    private let host: UnsafePointer<loghost_host>
    private let functions: loghost_host_http

    init(host: UnsafePointer<loghost_host>, functions: loghost_host_http) {
        unsafe self.host = unsafe host
        self.functions = functions
    }

    /// Begins a request; `context` is a retained `HTTPCall`.
    func begin(
        _ request: HTTPRequest, isStream: Bool, context: UnsafeMutableRawPointer
    ) -> Result<UInt64, any Error> {
        let arena = Arena()
        let (headers, count) = unsafe arena.headers(request.headers)
        let flags =
            (request.followsRedirects ? UInt32(LOGHOST_HTTP_FOLLOW_REDIRECTS) : 0) | (isStream ? UInt32(LOGHOST_HTTP_STREAM) : 0)
        var borrowed = unsafe loghost_http_request(
            size: UInt32(MemoryLayout<loghost_http_request>.size), flags: flags, method: arena.bytes(request.method),
            url: arena.bytes(request.url), headers: headers, header_count: count, body: arena.bytes(request.body),
            deadline_microseconds: request.deadline.map(microseconds) ?? 0,
            body_capacity: request.bodyCapacity.map { UInt64(max($0, 1)) } ?? 0, ca_file: arena.bytes(request.caFile),
            client_certificate: arena.bytes(request.clientCertificate), client_key: arena.bytes(request.clientKey))
        var error = loghost_error()
        error.size = UInt32(MemoryLayout<loghost_error>.size)
        let id = unsafe self.functions.request(self.host, &borrowed, callbacks.pointer, context, &error)
        withExtendedLifetime(arena) {}
        return id == 0 ? .failure(PluginError(error)) : .success(id)
    }

    func resume(_ id: UInt64) { unsafe self.functions.resume(self.host, id) }

    func cancel(_ id: UInt64) { unsafe self.functions.cancel(self.host, id) }
}

/// At least one microsecond: zero is the host's default.
private func microseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return 1 }
    return max(1, UInt64(min(seconds, 1_000_000_000)) * 1_000_000 + UInt64(attoseconds / 1_000_000_000_000))
}

private let callbacks = unsafe FunctionTable(
    loghost_http_callbacks(
        size: UInt32(MemoryLayout<loghost_http_callbacks>.size), reserved: 0,
        complete: { context, response, error in
            guard let call = unsafe HTTPCall.of(context) else { return }
            if let error = unsafe error {
                call.complete(.failure(unsafe PluginError(error.pointee)))
            } else {
                call.complete(.success(unsafe response.map { unsafe HTTPResponse($0.pointee) }))
            }
        },
        head: { context, response in
            guard let call = unsafe HTTPCall.of(context), let response = unsafe response else { return }
            call.head(unsafe HTTPResponse(response.pointee))
        },
        chunk: { context, bytes in
            guard let call = unsafe HTTPCall.of(context) else { return 0 }
            return call.chunk(unsafe bytes.array) ? 1 : 0
        }))

extension HTTPCall {
    fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> HTTPCall? {
        unsafe context.map { unsafe Unmanaged<HTTPCall>.fromOpaque($0).takeUnretainedValue() }
    }
}

extension HTTPResponse {
    fileprivate init(_ response: loghost_http_response) {
        self.init(
            status: Int(unsafe response.status),
            headers: unsafe UnsafeBufferPointer(start: response.headers, count: response.header_count).map {
                unsafe ($0.name.text, $0.value.text)
            }, body: unsafe response.body.array)
    }
}

extension PluginError {
    /// Copies an error that the host has filled.
    init(_ error: loghost_error) {
        self.init(
            Code(rawValue: error.code) ?? .internalFault,
            unsafe withUnsafeBytes(of: error.message) {
                unsafe String(decoding: $0.prefix(Int(error.message_size)), as: UTF8.self)
            },
            detail: unsafe withUnsafeBytes(of: error.detail) {
                unsafe String(decoding: $0.prefix(Int(error.detail_size)), as: UTF8.self)
            },
            retryable: error.retryable != 0)
    }
}
