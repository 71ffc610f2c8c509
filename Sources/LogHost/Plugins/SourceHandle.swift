internal import NIOCore
package import PluginABI

/// What a request is for, as its plugin has resolved it.
enum Resolved: Sendable {
    case log(topic: [UInt8], filter: LogFilter)
    case bytes(status: Int, headers: [(name: String, value: String)], stream: ByteStreamHandle?)
    case redirect(String)
    case proxy(Forward)
}

/// What `open` made.
package struct OpenedReader: Sendable {
    package var reader: ReaderHandle
    var applied: UInt32
    var skipped: UInt64
}

/// A request in the words of the ABI.
package struct SourceRequest: Sendable {
    var route: UInt32
    var variables: [(name: String, value: String)]
    var query: String
    var principal: String
    var requestID: String
    /// Only for a plugin that is granted it.
    var credential = ""
    /// What the authorizers restrict the principal to.
    var filter = LogFilter()
    /// As it came.
    var path = ""
    /// How long one call into the source may take; nil = for ever.
    var patience: Duration?
    /// Whoever waits: nobody does when that one has gone.
    var client: ClientConnection?

    package init(route: UInt32, variables: [(name: String, value: String)], query: String, principal: String, requestID: String) {
        self.route = route
        self.variables = variables
        self.query = query
        self.principal = principal
        self.requestID = requestID
    }

    /// Lends it to a C call; whoever keeps the memory keeps what was lent.
    func lend(in memory: CMemory, _ body: (UnsafePointer<loghost_request>) -> Void) {
        let variables = unsafe self.variables.map {
            unsafe loghost_variable(name: memory.bytes($0.name), value: memory.bytes($0.value))
        }
        let request = unsafe loghost_request(
            size: UInt32(MemoryLayout<loghost_request>.size), route_id: self.route, variables: memory.array(variables),
            variable_count: variables.count, query: memory.bytes(self.query), principal: memory.bytes(self.principal),
            credential: memory.bytes(self.credential), request_id: memory.bytes(self.requestID),
            filter: memory.filter(self.filter), path: memory.bytes(self.path))
        unsafe body(memory.copy(request))
    }
}

/// A plugin's source. Its functions are called on worker threads.
// The pointers are the plugin's; they live until `destroy`, which comes after the last answer.
@safe
package final class SourceHandle: @unchecked Sendable {
    private let instance: OpaquePointer
    private let functions: UnsafePointer<loghost_source>
    private let resolving = OperationTable<Resolved>()
    private let opening = OperationTable<OpenedReader>()
    private let metrics: PluginMetrics?

    package init(instance: OpaquePointer, functions: UnsafePointer<loghost_source>, metrics: PluginMetrics? = nil) {
        self.metrics = metrics
        unsafe self.instance = unsafe instance
        unsafe self.functions = unsafe functions
    }

    /// The routes, copied out of C.
    func routes() throws(PluginFailure) -> [RouteDescription] {
        var count = 0
        let routes = unsafe self.functions.pointee.routes(self.instance, &count)
        return unsafe try CStruct.elements(routes, count, last: \.summary, of: "routes").map { unsafe RouteDescription($0) }
    }

    /// Finds out what a request is for.
    func resolve(_ request: SourceRequest, wakeID: UInt64) async throws -> Resolved {
        assert(WorkerPool.isCurrent, "resolve is a [worker] function")
        let start = NIODeadline.now()
        defer { self.metrics?.record(.resolve, since: start) }
        do {
            return try await self.begin(request, wakeID: wakeID)
        } catch {
            self.metrics?.count(.resolve, error)
            throw error
        }
    }

    private func begin(_ request: SourceRequest, wakeID: UInt64) async throws -> Resolved {
        // What is lent lives until the plugin has completed, or nobody waits for it any more.
        let memory = CMemory()
        defer { withExtendedLifetime(memory) {} }
        return try await self.wait(self.resolving, request) { operation in
            unsafe request.lend(in: memory) { request in
                unsafe self.functions.pointee.resolve(
                    self.instance, operation, request, wakeID,
                    { context, operation, resolution, error in
                        guard let context = unsafe context else { return 0 }
                        let table = unsafe Unmanaged<OperationTable<Resolved>>.fromOpaque(context).takeUnretainedValue()
                        let result = Result { try unsafe resolved(resolution, error) }
                        let isTaken = table.complete(operation, result)
                        switch result {
                        case .success(.bytes(_, _, let stream)) where !isTaken: stream?.disown()
                        // What was refused is the plugin's.
                        case .failure where unsafe resolution != nil: return 0
                        default: break
                        }
                        return isTaken ? 1 : 0
                    }, unsafe Unmanaged.passUnretained(self.resolving).toOpaque())
            }
        }
    }

    /// Waits for an operation as long as the request has patience.
    private func wait<Value>(
        _ table: OperationTable<Value>, _ request: SourceRequest, begin: (UInt64) -> Void
    ) async throws -> Value {
        do {
            return try await table.perform(
                until: request.patience.map { .now + $0 }, for: request.client, begin: begin, cancel: { self.cancel($0) })
        } catch is OperationTimeout {
            throw PluginFailure.silence
        }
    }

    /// Opens a reader of a topic.
    package func open(topic: [UInt8], query: LogQuery, needs: EncoderNeeds, request: SourceRequest, wakeID: UInt64) async throws
        -> OpenedReader
    {
        assert(WorkerPool.isCurrent, "open is a [worker] function")
        let start = NIODeadline.now()
        defer { self.metrics?.record(.open, since: start) }
        do {
            return try await self.begin(topic: topic, query: query, needs: needs, request: request, wakeID: wakeID)
        } catch {
            self.metrics?.count(.open, error)
            throw error
        }
    }

    private func begin(topic: [UInt8], query: LogQuery, needs: EncoderNeeds, request: SourceRequest, wakeID: UInt64) async throws
        -> OpenedReader
    {
        let memory = CMemory()
        defer { withExtendedLifetime(memory) {} }
        return try await self.wait(self.opening, request) { operation in
            let query = unsafe memory.copy(query.export(needs: needs, in: memory))
            unsafe request.lend(in: memory) { request in
                unsafe self.functions.pointee.open(
                    self.instance, operation, memory.bytes(topic), query, request, wakeID,
                    { context, operation, opened, error in
                        guard let context = unsafe context else { return 0 }
                        let handle = unsafe Unmanaged<SourceHandle>.fromOpaque(context).takeUnretainedValue()
                        return unsafe handle.completeOpen(operation, opened, error) ? 1 : 0
                    }, unsafe Unmanaged.passUnretained(self).toOpaque())
            }
        }
    }

    private func cancel(_ operation: UInt64) {
        unsafe self.functions.pointee.cancel?(self.instance, operation)
    }

    private func completeOpen(
        _ operation: UInt64, _ opened: UnsafePointer<loghost_opened>?, _ error: UnsafePointer<loghost_error>?
    ) -> Bool {
        guard let opened = unsafe opened?.pointee, let reader = unsafe opened.reader else {
            let failure =
                unsafe error.map { unsafe PluginFailure($0.pointee) }
                ?? PluginFailure.unexplained
            return self.opening.complete(operation, .failure(failure))
        }
        let handle = unsafe ReaderHandle(reader, functions: self.functions, metrics: self.metrics)
        let taken = unsafe self.opening.complete(
            operation, .success(OpenedReader(reader: handle, applied: opened.applied, skipped: opened.skipped)))
        if !taken { handle.disown() }
        return taken
    }
}

private func resolved(_ resolution: UnsafePointer<loghost_resolution>?, _ error: UnsafePointer<loghost_error>?) throws -> Resolved
{
    guard let resolution = unsafe resolution?.pointee else {
        throw unsafe error.map { unsafe PluginFailure($0.pointee) }
            ?? PluginFailure.unexplained
    }
    func headers(_ list: UnsafePointer<loghost_header>?, _ count: Int) -> [(name: String, value: String)] {
        unsafe UnsafeBufferPointer(start: list, count: count).map { unsafe ($0.name.text, $0.value.text) }
    }
    switch unsafe Int(resolution.kind) {
    case LOGHOST_RESOLVED_LOG:
        return unsafe .log(topic: resolution.topic.array, filter: LogFilter(resolution.filter))
    case LOGHOST_RESOLVED_BYTES:
        var stream: ByteStreamHandle?
        if let pointer = unsafe resolution.stream {
            guard let functions = unsafe resolution.stream_functions else {
                throw PluginFailure(code: LOGHOST_ERROR_INTERNAL, message: "The source gave a stream without functions.")
            }
            do throws(PluginFailure) {
                unsafe try CStruct.check(functions, last: \.close, of: "stream_functions") {
                    unsafe [("read", $0.read != nil), ("close", $0.close != nil)]
                }
            } catch {
                throw PluginFailure(code: LOGHOST_ERROR_INTERNAL, message: error.message)
            }
            stream = unsafe ByteStreamHandle(pointer, functions: functions)
        }
        return unsafe .bytes(
            status: Int(resolution.status), headers: headers(resolution.headers, resolution.header_count), stream: stream)
    case LOGHOST_RESOLVED_REDIRECT:
        return unsafe .redirect(resolution.location.text)
    case LOGHOST_RESOLVED_PROXY:
        var forward = unsafe Forward(
            location: resolution.location.text,
            headers: headers(resolution.upstream_headers, resolution.upstream_header_count))
        forward.tls = unsafe TLSFilePaths(
            authorities: resolution.ca_file.text, certificate: resolution.client_certificate.text,
            key: resolution.client_key.text)
        return .proxy(forward)
    default:
        throw PluginFailure(code: LOGHOST_ERROR_INTERNAL, message: "The source answered in an unknown way.")
    }
}

extension LogQuery {
    /// As C sees it, in memory that lives as long as `memory`.
    func export(needs: EncoderNeeds, in memory: CMemory) -> loghost_query {
        var query = unsafe loghost_query()
        unsafe query.size = unsafe UInt32(MemoryLayout<loghost_query>.size)
        switch self.start {
        case .head: unsafe query.start = UInt32(LOGHOST_START_HEAD)
        case .tail: unsafe query.start = UInt32(LOGHOST_START_TAIL)
        case .cursor(let cursor):
            unsafe query.start = UInt32(LOGHOST_START_CURSOR)
            unsafe query.cursor = unsafe memory.bytes(cursor)
        case .time(let microseconds):
            unsafe query.start = UInt32(LOGHOST_START_TIME)
            unsafe query.time_microseconds = microseconds
        }
        unsafe query.skip = self.skip
        unsafe query.limit = self.limit
        unsafe query.direction = UInt32(self.direction == .forward ? LOGHOST_FORWARD : LOGHOST_BACKWARD)
        unsafe query.follow = self.follow ? 1 : 0
        unsafe query.flags = self.resumes ? UInt32(LOGHOST_QUERY_RESUMES) : 0
        unsafe query.since_microseconds = self.since
        unsafe query.until_microseconds = self.until
        unsafe query.filter = unsafe memory.filter(self.filter)
        // The host itself needs cursors to name a gap, and times for the bounds.
        var bits = Int(needs.bits)
        if self.follow { bits |= LOGHOST_NEEDS_CURSOR }
        if self.since != 0 || self.until != 0 { bits |= LOGHOST_NEEDS_REALTIME }
        // The host may have to evaluate the filter itself.
        if !self.filter.clauses.isEmpty, bits & LOGHOST_NEEDS_ALL_FIELDS == 0 { bits |= LOGHOST_NEEDS_NAMED_FIELDS }
        var names = needs.fieldNames
        for match in self.filter.clauses.joined() where !names.contains(match.name) { names.append(match.name) }
        unsafe query.needs = UInt32(bits)
        unsafe query.field_names = unsafe memory.array(names.map { unsafe memory.bytes($0) })
        unsafe query.field_name_count = names.count
        return unsafe query
    }
}
