internal import PluginABI

/// A source's functions, as C sees them.
let sourceFunctions = unsafe FunctionTable(
    loghost_source(
        size: UInt32(MemoryLayout<loghost_source>.size), reserved: 0,
        routes: { instance, count in
            guard let instance = unsafe instance, let count = unsafe count else { return nil }
            let declarations = unsafe Instance.of(instance).declarations
            unsafe count.pointee = declarations.routeCount
            return unsafe declarations.routes
        },
        resolve: { instance, operation, request, _, done, context in
            guard let instance = unsafe instance, let request = unsafe request, let done = unsafe done else { return }
            unsafe resolve(Instance.of(instance), operation, Request(request), done, context)
        },
        open: { instance, operation, topic, query, request, wake, done, context in
            guard let pointer = unsafe instance, let query = unsafe query, let request = unsafe request, let done = unsafe done
            else { return }
            let instance = unsafe Instance.of(pointer)
            do {
                guard let source = instance.source else { throw PluginError(.internalFault, "This plugin is no source.") }
                let made = try unsafe source.open(
                    topic: topic.array, query: Query(query), request: Request(request), wake: Wake(host: instance.host, id: wake))
                let box = unsafe Unmanaged.passRetained(ReaderBox(made.reader, host: instance.host))
                var opened = unsafe loghost_opened(
                    size: UInt32(MemoryLayout<loghost_opened>.size), applied: made.applied.rawValue,
                    reader: OpaquePointer(box.toOpaque()), skipped: made.skipped)
                if unsafe done(context, operation, &opened, nil) == 0 { unsafe box.release() }
            } catch {
                instance.report(error, in: "open")
                unsafe withError(error) { unsafe _ = done(context, operation, nil, $0) }
            }
        },
        cancel: nil,
        read: { reader, limits, result, error in
            guard let reader = unsafe reader, let limits = unsafe limits, let result = unsafe result else {
                return Int32(LOGHOST_READ_ERROR)
            }
            let box = unsafe Unmanaged<ReaderBox>.fromOpaque(UnsafeRawPointer(reader)).takeUnretainedValue()
            return unsafe box.read(limits.pointee, result, error)
        },
        close: { reader in
            guard let reader = unsafe reader else { return }
            unsafe Unmanaged<ReaderBox>.fromOpaque(UnsafeRawPointer(reader)).release()
        }))

private func resolve(
    _ instance: Instance, _ operation: UInt64, _ request: Request, _ done: loghost_resolve_done,
    _ context: UnsafeMutableRawPointer?
) {
    do {
        guard let source = instance.source else { throw PluginError(.internalFault, "This plugin is no source.") }
        let arena = Arena()
        var resolution = unsafe loghost_resolution()
        unsafe resolution.size = UInt32(MemoryLayout<loghost_resolution>.size)
        var stream: Unmanaged<ByteStreamBox>?
        switch try source.resolve(request) {
        case .log(let topic, let filter):
            unsafe resolution.kind = UInt32(LOGHOST_RESOLVED_LOG)
            unsafe resolution.topic = unsafe arena.bytes(topic)
            unsafe resolution.filter = unsafe arena.filter(filter)
        case .answer(let status, let headers, let bytes):
            unsafe resolution.kind = UInt32(LOGHOST_RESOLVED_BYTES)
            unsafe resolution.status = UInt32(status)
            unsafe (resolution.headers, resolution.header_count) = unsafe arena.headers(headers)
            if let bytes {
                unsafe stream = Unmanaged.passRetained(ByteStreamBox(bytes))
                unsafe resolution.stream = unsafe stream.map { unsafe OpaquePointer($0.toOpaque()) }
                unsafe resolution.stream_functions = unsafe byteStreamFunctions.pointer
            }
        case .redirect(let location):
            unsafe resolution.kind = UInt32(LOGHOST_RESOLVED_REDIRECT)
            unsafe resolution.location = unsafe arena.bytes(location)
        case .proxy(let location, let headers):
            unsafe resolution.kind = UInt32(LOGHOST_RESOLVED_PROXY)
            unsafe resolution.location = unsafe arena.bytes(location)
            unsafe (resolution.upstream_headers, resolution.upstream_header_count) = unsafe arena.headers(headers)
        }
        let taken = unsafe done(context, operation, &resolution, nil) != 0
        if !taken { unsafe stream?.release() }
        withExtendedLifetime(arena) {}
    } catch {
        instance.report(error, in: "resolve")
        unsafe withError(error) { unsafe _ = done(context, operation, nil, $0) }
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
    /// Logs what the client is not told: an error that is no `PluginError`.
    func report(_ error: any Error, in function: String) {
        self.host.report(error, in: function)
    }
}

extension Host {
    func report(_ error: any Error, in function: String) {
        if !(error is PluginError) { self.log(.error, "\(function) failed", [("error", "\(error)")]) }
    }
}

/// A reader behind an opaque pointer, with the memory of its batch.
private final class ReaderBox {
    private let reader: any LogReader
    private let host: Host
    private var batch = BatchBuilder()
    private var gap: Gap?
    private var gapBytes = Arena()

    init(_ reader: any LogReader, host: Host) {
        self.reader = reader
        self.host = host
    }

    func read(
        _ limits: loghost_read_limits, _ result: UnsafeMutablePointer<loghost_read_result>,
        _ error: UnsafeMutablePointer<loghost_error>?
    ) -> Int32 {
        self.batch.reset()
        unsafe result.pointee.entry_count = 0
        do {
            let outcome = try self.reader.read(
                into: &self.batch,
                limits: ReadLimits(
                    entries: Int(limits.max_entries), bytes: Int(clamping: limits.max_bytes),
                    searching: .microseconds(Int64(clamping: limits.max_microseconds)),
                    valueBytes: Int(clamping: limits.max_value_bytes)))
            switch outcome {
            case .batch:
                unsafe (result.pointee.entries, result.pointee.entry_count) = unsafe self.batch.finish()
                return Int32(LOGHOST_READ_BATCH)
            case .pending:
                return Int32(LOGHOST_READ_PENDING)
            case .caughtUp(let recheck):
                unsafe result.pointee.recheck_after_microseconds = recheck.map { max($0.microseconds, 1) } ?? 0
                return Int32(LOGHOST_READ_CAUGHT_UP)
            case .end:
                return Int32(LOGHOST_READ_END)
            case .gap(let gap):
                self.gapBytes = Arena()
                unsafe result.pointee.gap = unsafe loghost_gap(
                    cause: gap.cause.rawValue, reserved: 0, from: self.gapBytes.bytes(gap.from), to: self.gapBytes.bytes(gap.to),
                    count: gap.count ?? .max)
                return Int32(LOGHOST_READ_GAP)
            }
        } catch let failure {
            self.host.report(failure, in: "read")
            unsafe error?.fill(failure)
            return Int32(LOGHOST_READ_ERROR)
        }
    }
}

extension Duration {
    /// Whole microseconds, clamped.
    var microseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : whole + UInt64(attoseconds / 1_000_000_000_000)
    }
}

/// Bytes that are there already, given out piece by piece.
@safe
private final class ByteStreamBox {
    let bytes: UnsafeMutableBufferPointer<UInt8>
    var position = 0

    init(_ bytes: [UInt8]) {
        unsafe self.bytes = .allocate(capacity: bytes.count)
        _ = unsafe self.bytes.initialize(from: bytes)
    }

    deinit { unsafe self.bytes.deallocate() }
}

private let byteStreamFunctions = unsafe FunctionTable(
    loghost_byte_stream_functions(
        size: UInt32(MemoryLayout<loghost_byte_stream_functions>.size), reserved: 0,
        read: { stream, limit, bytes, _ in
            guard let stream = unsafe stream, let bytes = unsafe bytes else { return Int32(LOGHOST_STREAM_ERROR) }
            let box = unsafe Unmanaged<ByteStreamBox>.fromOpaque(UnsafeRawPointer(stream)).takeUnretainedValue()
            let count = unsafe min(limit, box.bytes.count - box.position)
            unsafe bytes.pointee = unsafe loghost_bytes(
                data: box.bytes.baseAddress.map { unsafe UnsafePointer($0 + box.position) }, size: count)
            box.position += count
            return unsafe Int32(box.position == box.bytes.count ? LOGHOST_STREAM_END : LOGHOST_STREAM_DATA)
        },
        close: { stream in
            guard let stream = unsafe stream else { return }
            unsafe Unmanaged<ByteStreamBox>.fromOpaque(UnsafeRawPointer(stream)).release()
        }))
