import PluginABI

/// A format for the model: a line for each entry and event, and the encoder is asked again in the middle of each line.
@safe
final class ModelEncoder {
    private let isEventStream: Bool
    private var isInside = false

    private init(isEventStream: Bool) {
        self.isEventStream = isEventStream
    }

    /// `e KEY ID` for an entry.
    private func encode(_ entry: loghost_entry, _ sink: UnsafePointer<loghost_sink>) -> Int {
        if !self.isInside {
            self.isInside = true
            unsafe Self.write("e ", sink)
            return LOGHOST_ENCODE_MORE
        }
        self.isInside = false
        guard let fields = unsafe entry.fields else { return LOGHOST_ENCODE_ERROR }
        unsafe Self.write("\(Self.text(entry.cursor).dropFirst()) \(Self.text(fields.pointee.value))\n", sink)
        return LOGHOST_ENCODE_DONE
    }

    private static func text(_ bytes: loghost_bytes) -> String {
        unsafe String(decoding: UnsafeBufferPointer(start: bytes.data, count: bytes.size), as: UTF8.self)
    }

    private static func write(_ text: String, _ sink: UnsafePointer<loghost_sink>) {
        var capacity = 0
        guard let memory = unsafe sink.pointee.reserve(sink.pointee.context, text.utf8.count, &capacity) else { return }
        for (index, byte) in text.utf8.enumerated() { unsafe memory[index] = byte }
        unsafe sink.pointee.commit(sink.pointee.context, text.utf8.count)
    }

    private static let name: StaticString = "model"

    nonisolated(unsafe) private static let encoding: UnsafePointer<loghost_encoding> = {
        let encoding = UnsafeMutablePointer<loghost_encoding>.allocate(capacity: 1)
        let name = unsafe loghost_bytes(data: ModelEncoder.name.utf8Start, size: ModelEncoder.name.utf8CodeUnitCount)
        unsafe encoding.initialize(
            to: loghost_encoding(
                size: UInt32(MemoryLayout<loghost_encoding>.size), flags: UInt32(LOGHOST_ENCODING_EVENT_STREAM), name: name,
                content_type: name, media_types: nil, media_type_count: 0, summary: name))
        return unsafe UnsafePointer(encoding)
    }()

    /// The functions of the encoder. They live as long as the process.
    nonisolated(unsafe) static let functions: UnsafePointer<loghost_encoder> = {
        let functions = UnsafeMutablePointer<loghost_encoder>.allocate(capacity: 1)
        unsafe functions.initialize(
            to: loghost_encoder(
                size: UInt32(MemoryLayout<loghost_encoder>.size), reserved: 0,
                encodings: { _, count in
                    unsafe count?.pointee = 1
                    return unsafe ModelEncoder.encoding
                },
                begin: { _, _, _, needs, _ in
                    unsafe needs?.pointee.needs = UInt32(LOGHOST_NEEDS_CURSOR | LOGHOST_NEEDS_ALL_FIELDS)
                    return unsafe OpaquePointer(Unmanaged.passRetained(ModelEncoder(isEventStream: true)).toOpaque())
                },
                encode: { state, entry, sink, _ in
                    guard let state = unsafe state, let entry = unsafe entry?.pointee, let sink = unsafe sink else {
                        return Int32(LOGHOST_ENCODE_ERROR)
                    }
                    let encoder = unsafe Unmanaged<ModelEncoder>.fromOpaque(UnsafeRawPointer(state)).takeUnretainedValue()
                    return unsafe Int32(encoder.encode(entry, sink))
                },
                event: { _, name, _, _, sink, _ in
                    guard let sink = unsafe sink else { return Int32(LOGHOST_ENCODE_ERROR) }
                    unsafe ModelEncoder.write("\(ModelEncoder.text(name))\n", sink)
                    return Int32(LOGHOST_ENCODE_DONE)
                },
                keep_alive: { _ in unsafe loghost_bytes() },
                finish: { _, _, _ in Int32(LOGHOST_ENCODE_DONE) },
                end: { state in
                    guard let state = unsafe state else { return }
                    unsafe Unmanaged<ModelEncoder>.fromOpaque(UnsafeRawPointer(state)).release()
                }))
        return unsafe UnsafePointer(functions)
    }()
}
