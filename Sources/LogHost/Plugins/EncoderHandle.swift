internal import NIOCore
package import PluginABI

/// What an encoder reads of an entry, in the bits of the ABI.
package struct EncoderNeeds: Sendable {
    var bits: UInt32
    var fieldNames: [[UInt8]]

    package init(bits: UInt32, fieldNames: [[UInt8]]) {
        self.bits = bits
        self.fieldNames = fieldNames
    }
}

/// One format of a plugin.
// The pointers are the plugin's; they live until `destroy`, which comes after the last answer.
@safe
package struct EncoderHandle: @unchecked Sendable {
    let name: String
    let contentType: String
    let mediaTypes: [String]
    let isEventStream: Bool
    let summary: String
    private let instance: OpaquePointer
    private let functions: UnsafePointer<loghost_encoder>
    private let index: Int
    private let metrics: PluginMetrics?

    /// The formats of an instance.
    package static func all(
        instance: OpaquePointer, functions: UnsafePointer<loghost_encoder>, metrics: PluginMetrics? = nil
    ) throws(PluginFailure) -> [EncoderHandle] {
        var count = 0
        let encodings = unsafe functions.pointee.encodings(instance, &count)
        let elements = unsafe try CStruct.elements(encodings, count, last: \.summary, of: "encodings")
        return unsafe elements.enumerated().map { index, encoding in
            unsafe EncoderHandle(encoding, index: index, instance: instance, functions: functions, metrics: metrics)
        }
    }

    private init(
        _ encoding: loghost_encoding, index: Int, instance: OpaquePointer, functions: UnsafePointer<loghost_encoder>,
        metrics: PluginMetrics?
    ) {
        self.name = unsafe encoding.name.text
        self.contentType = unsafe encoding.content_type.text
        self.mediaTypes = unsafe UnsafeBufferPointer(start: encoding.media_types, count: encoding.media_type_count).map {
            unsafe $0.text.lowercased()
        }
        self.isEventStream = unsafe encoding.flags & UInt32(LOGHOST_ENCODING_EVENT_STREAM) != 0
        self.summary = unsafe encoding.summary.text
        unsafe self.instance = unsafe instance
        unsafe self.functions = unsafe functions
        self.index = index
        self.metrics = metrics
    }

    /// Records the time of encoding a batch.
    func recordEncoding(since start: NIODeadline) { self.metrics?.record(.encode, since: start) }

    func countFailure(_ error: any Error) { self.metrics?.count(.encode, error) }

    /// Begins an answer.
    func begin(_ encoding: Encoding) throws -> EncoderState {
        var flags = 0
        if encoding.ids { flags |= LOGHOST_ENCODE_IDS }
        if encoding.exactValues { flags |= LOGHOST_ENCODE_EXACT_VALUES }
        if encoding.lines { flags |= LOGHOST_ENCODE_LINES }
        if encoding.follow { flags |= LOGHOST_ENCODE_FOLLOW }
        var options = loghost_encode_options(
            size: UInt32(MemoryLayout<loghost_encode_options>.size), flags: UInt32(flags),
            max_value_bytes: UInt64(encoding.maximumValueBytes))
        var needs = unsafe loghost_needs()
        unsafe needs.size = unsafe UInt32(MemoryLayout<loghost_needs>.size)
        var error = PluginFailure.fresh()
        guard let state = unsafe self.functions.pointee.begin(self.instance, self.index, &options, &needs, &error) else {
            let failure = PluginFailure(error)
            self.countFailure(failure)
            throw failure
        }
        let names = unsafe UnsafeBufferPointer(start: needs.field_names, count: needs.field_name_count).map { unsafe $0.array }
        return unsafe EncoderState(state, functions: self.functions, needs: EncoderNeeds(bits: needs.needs, fieldNames: names))
    }
}

/// The state of one encoded answer. Used by one task at a time.
// As for ReaderHandle: the answer that holds it is its only user.
@safe
final class EncoderState: @unchecked Sendable {
    private let state: OpaquePointer
    private let functions: UnsafePointer<loghost_encoder>
    let needs: EncoderNeeds
    let keepAlive: [UInt8]

    fileprivate init(_ state: OpaquePointer, functions: UnsafePointer<loghost_encoder>, needs: EncoderNeeds) {
        unsafe self.state = unsafe state
        unsafe self.functions = unsafe functions
        self.needs = needs
        self.keepAlive = unsafe functions.pointee.keep_alive(state).array
    }

    deinit { unsafe self.functions.pointee.end(self.state) }

    /// Writes an entry, or its next part: LOGHOST_ENCODE_DONE, MORE or ERROR.
    @inline(__always)
    func encode(_ entry: UnsafePointer<loghost_entry>, _ sink: UnsafePointer<loghost_sink>, _ error: inout loghost_error) -> Int {
        unsafe Int(self.functions.pointee.encode(self.state, entry, sink, &error))
    }

    /// Writes a named event.
    func event(name: String, data: String, id: String, _ sink: UnsafePointer<loghost_sink>) throws {
        // What the ABI promises encoders, whatever text got here.
        guard name.utf8.count + data.utf8.count + id.utf8.count < 2048 else {
            throw PluginFailure(code: LOGHOST_ERROR_INTERNAL, message: "An event is too long.")
        }
        let memory = CMemory()
        var error = PluginFailure.fresh()
        let result = unsafe self.functions.pointee.event(
            self.state, memory.bytes(name), memory.bytes(data), memory.bytes(id), sink, &error)
        withExtendedLifetime(memory) {}
        if Int(result) != LOGHOST_ENCODE_DONE { throw PluginFailure(error) }
    }

    /// Appends a named event.
    func append(event name: String, data: String, id: String = "", to buffer: inout ByteBuffer) throws {
        unsafe try Chunk.fill(&buffer, capacity: sinkMinimum) { _, sink in
            unsafe try self.event(name: name, data: data, id: id, sink)
        }
    }

    /// Appends what closes a complete answer.
    func finish(_ buffer: inout ByteBuffer) throws {
        unsafe try Chunk.fill(&buffer, capacity: sinkMinimum) { _, sink in
            var error = PluginFailure.fresh()
            if unsafe Int(self.functions.pointee.finish(self.state, sink, &error)) != LOGHOST_ENCODE_DONE {
                throw PluginFailure(error)
            }
        }
    }
}
