import Glibc
import LogHost
import Logging
import Metrics
import MetricsTestKit
import PluginABI
import Testing

/// A plugin as the host sees it: the table of C functions, and nothing else.
// The services outlive every use, and their functions are for any thread.
@safe
final class OutboundPlugin: @unchecked Sendable {
    let services: HostServices
    let metrics = TestMetrics()
    private let functions: loghost_host_http

    struct Refusal: Error, Equatable {
        var code: Int
        var message: String
        var detail: String
    }

    struct Order {
        var method = "GET"
        var url: String
        var headers: [(String, String)] = []
        var body = ""
        var flags = 0
        var deadline: UInt64 = 0
        var capacity: UInt64 = 0
        var authorities = ""
        var certificate = ""
        var key = ""

        init(_ url: String) {
            self.url = url
        }
    }

    init(client: OutboundClient) throws {
        self.services = HostServices(
            name: "test", logger: Logger(label: "test"), wakes: WakeRegistry(), watches: DescriptorWatch(), outbound: client,
            factory: self.metrics)
        let table = unsafe self.services.pointer.pointee.get_extension(self.services.pointer, LOGHOST_HOST_HTTP)
        self.functions = unsafe try #require(table).assumingMemoryBound(to: loghost_host_http.self).pointee
    }

    /// Lends a plugin and ends its client.
    static func with(_ body: (OutboundPlugin) async throws -> Void) async throws {
        let client = OutboundClient()
        do {
            let plugin = try OutboundPlugin(client: client)
            try await body(plugin)
            plugin.services.close()
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    /// Begins a request; throws what the host has against it. The record must outlive the request.
    @discardableResult
    func request(_ order: Order, _ record: OutboundRecord) throws -> UInt64 {
        var blocks: [UnsafeMutableBufferPointer<UInt8>] = unsafe []
        defer { unsafe blocks.forEach { unsafe $0.deallocate() } }
        func lend(_ text: String) -> loghost_bytes {
            let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
            _ = unsafe block.initialize(from: text.utf8)
            unsafe blocks.append(block)
            return unsafe loghost_bytes(data: UnsafePointer(block.baseAddress), size: text.utf8.count)
        }
        let headers = unsafe order.headers.map { unsafe loghost_header(name: lend($0.0), value: lend($0.1)) }
        var error = loghost_error()
        error.size = UInt32(MemoryLayout<loghost_error>.size)
        let id = unsafe headers.withUnsafeBufferPointer { list in
            var request = unsafe loghost_http_request(
                size: UInt32(MemoryLayout<loghost_http_request>.size), flags: UInt32(order.flags), method: lend(order.method),
                url: lend(order.url), headers: list.baseAddress, header_count: list.count, body: lend(order.body),
                deadline_microseconds: order.deadline, body_capacity: order.capacity, ca_file: lend(order.authorities),
                client_certificate: lend(order.certificate), client_key: lend(order.key))
            var callbacks = OutboundRecord.callbacks
            let context = unsafe Unmanaged.passUnretained(record).toOpaque()
            let id = unsafe self.functions.request(self.services.pointer, &request, &callbacks, context, &error)
            // Borrowed until here: whoever still reads it reads nonsense.
            unsafe blocks.forEach { block in unsafe block.update(repeating: 0) }
            return id
        }
        guard id == 0 else {
            record.begun(id)
            return id
        }
        throw Refusal(
            code: Int(error.code), message: text(error.message, error.message_size), detail: text(error.detail, error.detail_size)
        )
    }

    func resume(_ id: UInt64) { unsafe self.functions.resume(self.services.pointer, id) }

    func cancel(_ id: UInt64) { unsafe self.functions.cancel(self.services.pointer, id) }

    func refusal(_ order: Order) -> Refusal? {
        do {
            try self.request(order, OutboundRecord())
            return nil
        } catch {
            return error as? Refusal
        }
    }

    /// Makes a request and waits for its end.
    func answer(_ order: Order) async throws -> OutboundRecord.Seen {
        let record = OutboundRecord()
        try self.request(order, record)
        #expect(await eventually { record.seen.completions > 0 })
        return record.seen
    }

    func count(_ outcome: String) throws -> Int64 {
        try self.metrics.expectCounter("loghost_outbound_requests_total", [("plugin", "test"), ("outcome", outcome)]).totalValue
    }

    var inFlight: Double? {
        try? self.metrics.expectGauge("loghost_outbound_requests_in_flight", [("plugin", "test")]).lastValue
    }
}

private func text<Bytes>(_ bytes: Bytes, _ size: UInt32) -> String {
    unsafe withUnsafeBytes(of: bytes) { unsafe String(decoding: $0.prefix(Int(size)), as: UTF8.self) }
}

/// The context of one request's call backs: what they said, and whether they kept the rules.
final class OutboundRecord: Sendable {
    struct Seen: Sendable {
        var status = 0
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        var byteCount = 0
        var chunks = 0
        var heads = 0
        var completions = 0
        var code = 0
        var message = ""
        var isInside = false
        /// Calls beside another one, after the last one, or after the cancel.
        var violations: [String] = []
        var isCancelled = false
        var id: UInt64?

        var text: String { String(decoding: self.body, as: UTF8.self) }
    }

    private let state = Shared(Seen())
    private let onHead: @Sendable (OutboundRecord) -> Void
    private let onChunk: @Sendable (OutboundRecord) -> Bool
    private let onComplete: @Sendable (OutboundRecord) -> Void

    init(
        onHead: @escaping @Sendable (OutboundRecord) -> Void = { _ in },
        onChunk: @escaping @Sendable (OutboundRecord) -> Bool = { _ in true },
        onComplete: @escaping @Sendable (OutboundRecord) -> Void = { _ in }
    ) {
        self.onHead = onHead
        self.onChunk = onChunk
        self.onComplete = onComplete
    }

    var seen: Seen { self.state.withLock { $0 } }

    func begun(_ id: UInt64) { self.state.withLock { $0.id = id } }

    /// The request's id, for call backs: one may come before the request has returned it, and then waits here.
    var id: UInt64 {
        for _ in 0..<10_000 {
            if let id = self.seen.id { return id }
            usleep(1_000)
        }
        return 0
    }

    /// Notes that nothing may come any more.
    func cancelled() { self.state.withLock { $0.isCancelled = true } }

    private func enter(_ name: String, _ note: (inout Seen) -> Void) {
        self.state.withLock { seen in
            if seen.isInside { seen.violations.append("\(name) beside another call") }
            if seen.isCancelled { seen.violations.append("\(name) after cancel") }
            if seen.completions > 0 { seen.violations.append("\(name) after complete") }
            seen.isInside = true
            note(&seen)
        }
    }

    private func leave() { self.state.withLock { $0.isInside = false } }

    private static func of(_ context: UnsafeMutableRawPointer?) -> OutboundRecord {
        guard let context = unsafe context else { preconditionFailure("the host gives back what it was given") }
        return unsafe Unmanaged<OutboundRecord>.fromOpaque(context).takeUnretainedValue()
    }

    static let callbacks = unsafe loghost_http_callbacks(
        size: UInt32(MemoryLayout<loghost_http_callbacks>.size), reserved: 0,
        complete: { context, response, error in
            let record = unsafe OutboundRecord.of(context)
            record.enter("complete") { seen in
                seen.completions += 1
                if let response = unsafe response { unsafe seen.take(response.pointee) }
                guard let error = unsafe error else { return }
                seen.code = unsafe Int(error.pointee.code)
                seen.message = unsafe text(error.pointee.message, error.pointee.message_size)
            }
            record.onComplete(record)
            record.leave()
        },
        head: { context, response in
            let record = unsafe OutboundRecord.of(context)
            record.enter("head") { seen in
                seen.heads += 1
                if seen.chunks > 0 { seen.violations.append("head after a chunk") }
                if let response = unsafe response { unsafe seen.take(response.pointee) }
            }
            record.onHead(record)
            record.leave()
        },
        chunk: { context, bytes in
            let record = unsafe OutboundRecord.of(context)
            record.enter("chunk") { seen in
                if seen.heads != 1 { seen.violations.append("chunk before the head") }
                seen.chunks += 1
                seen.byteCount += unsafe bytes.size
            }
            let goesOn = record.onChunk(record)
            record.leave()
            return goesOn ? 1 : 0
        })
}

extension OutboundRecord.Seen {
    fileprivate mutating func take(_ response: loghost_http_response) {
        self.status = unsafe Int(response.status)
        for index in 0..<(unsafe response.header_count) {
            let header = unsafe response.headers[index]
            self.headers[unsafe string(header.name)] = unsafe string(header.value)
        }
        self.body = unsafe Array(UnsafeBufferPointer(start: response.body.data, count: response.body.size))
    }
}

private func string(_ bytes: loghost_bytes) -> String {
    unsafe String(decoding: UnsafeBufferPointer(start: bytes.data, count: bytes.size), as: UTF8.self)
}
