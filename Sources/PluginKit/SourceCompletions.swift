internal import PluginABI

// A C function and the host's context for it: the ABI allows calling it from any thread, once.
@safe
struct ResolveCompletion: @unchecked Sendable {
    let done: loghost_resolve_done
    let context: UnsafeMutableRawPointer?
    let instance: Instance

    func callAsFunction(_ operation: UInt64, _ result: Result<Resolution, any Error>) {
        do {
            self.callAsFunction(operation, try result.get())
        } catch {
            self.instance.report(error, in: "resolve")
            unsafe withError(error) { unsafe _ = self.done(self.context, operation, nil, $0) }
        }
    }

    private func callAsFunction(_ operation: UInt64, _ resolution: Resolution) {
        let arena = Arena()
        var lent = unsafe loghost_resolution()
        unsafe lent.size = UInt32(MemoryLayout<loghost_resolution>.size)
        var stream: Unmanaged<ByteStreamBox>?
        func lendAnswer(_ status: Int, _ headers: [(name: String, value: String)], _ body: (any ByteReader)?) {
            unsafe lent.kind = UInt32(LOGHOST_RESOLVED_BYTES)
            unsafe lent.status = UInt32(status)
            unsafe (lent.headers, lent.header_count) = unsafe arena.headers(headers)
            guard let body else { return }
            unsafe stream = Unmanaged.passRetained(ByteStreamBox(body, host: self.instance.host))
            unsafe lent.stream = unsafe stream.map { unsafe OpaquePointer($0.toOpaque()) }
            unsafe lent.stream_functions = unsafe byteStreamFunctions.pointer
        }
        switch resolution {
        case .log(let topic, let filter):
            unsafe lent.kind = UInt32(LOGHOST_RESOLVED_LOG)
            unsafe lent.topic = unsafe arena.bytes(topic)
            unsafe lent.filter = unsafe arena.filter(filter)
        case .answer(let status, let headers, let bytes):
            lendAnswer(status, headers, bytes.map { StoredBytes($0) })
        case .stream(let status, let headers, let reader):
            lendAnswer(status, headers, reader)
        case .redirect(let location):
            unsafe lent.kind = UInt32(LOGHOST_RESOLVED_REDIRECT)
            unsafe lent.location = unsafe arena.bytes(location)
        case .proxy(let forward):
            unsafe lent.kind = UInt32(LOGHOST_RESOLVED_PROXY)
            unsafe lent.location = unsafe arena.bytes(forward.location)
            unsafe (lent.upstream_headers, lent.upstream_header_count) = unsafe arena.headers(forward.headers)
            unsafe lent.ca_file = unsafe arena.bytes(forward.caFile)
            unsafe lent.client_certificate = unsafe arena.bytes(forward.clientCertificate)
            unsafe lent.client_key = unsafe arena.bytes(forward.clientKey)
        }
        let taken = unsafe self.done(self.context, operation, &lent, nil) != 0
        if !taken { unsafe stream?.release() }
        withExtendedLifetime(arena) {}
    }
}

// As for ResolveCompletion.
@safe
struct OpenCompletion: @unchecked Sendable {
    let done: loghost_open_done
    let context: UnsafeMutableRawPointer?
    let instance: Instance

    func callAsFunction(_ operation: UInt64, _ made: Opened) {
        let box = unsafe Unmanaged.passRetained(ReaderBox(made.reader, host: self.instance.host))
        var opened = unsafe loghost_opened(
            size: UInt32(MemoryLayout<loghost_opened>.size), applied: made.applied.rawValue,
            reader: OpaquePointer(box.toOpaque()), skipped: made.skipped)
        if unsafe self.done(self.context, operation, &opened, nil) == 0 { unsafe box.release() }
    }

    func callAsFunction(_ operation: UInt64, _ error: any Error) {
        self.instance.report(error, in: "open")
        unsafe withError(error) { unsafe _ = self.done(self.context, operation, nil, $0) }
    }
}

/// Lends an error to a completion.
func withError(_ error: any Error, _ body: (UnsafePointer<loghost_error>) -> Void) {
    var failure = loghost_error()
    failure.size = UInt32(MemoryLayout<loghost_error>.size)
    unsafe withUnsafeMutablePointer(to: &failure) { failure in
        unsafe failure.fill(error)
        unsafe body(UnsafePointer(failure))
    }
}

extension Instance {
    func requireSource() throws -> any LogSource {
        guard let source = self.source else { throw PluginError(.internalFault, "This plugin is no source.") }
        return source
    }

    /// Logs what the client is not told: an error that is no `PluginError`.
    func report(_ error: any Error, in function: String) {
        self.host.report(error, in: function)
    }
}

extension Host {
    func report(_ error: any Error, in function: String) {
        if !(error is PluginError), !(error is CancellationError) {
            self.log(.error, "\(function) failed", [("error", "\(error)")])
        }
    }
}
