internal import PluginABI

/// An encoder's functions, as C sees them.
let encoderFunctions = unsafe FunctionTable(
    loghost_encoder(
        size: UInt32(MemoryLayout<loghost_encoder>.size), reserved: 0,
        encodings: { instance, count in
            guard let instance = unsafe instance, let count = unsafe count else { return nil }
            let declarations = unsafe Instance.of(instance).declarations
            unsafe count.pointee = declarations.encodingCount
            return unsafe declarations.encodings
        },
        begin: { instance, encoding, options, needs, error in
            guard let pointer = unsafe instance, let options = unsafe options, let needs = unsafe needs else { return nil }
            let instance = unsafe Instance.of(pointer)
            do {
                guard instance.encoders.indices.contains(encoding) else {
                    throw PluginError(.invalid, "There is no such format.")
                }
                let encoder = try unsafe instance.encoders[encoding].init(options: EncodeOptions(flags: options.pointee.flags))
                let box = EncoderBox(encoder)
                unsafe box.describeNeeds(needs)
                return unsafe OpaquePointer(Unmanaged.passRetained(box).toOpaque())
            } catch let failure {
                unsafe error?.fill(failure)
                return nil
            }
        },
        encode: { state, entry, sink, error in
            guard let state = unsafe state, let entry = unsafe entry, let sink = unsafe sink else {
                return Int32(LOGHOST_ENCODE_ERROR)
            }
            // Once for each entry: without the counting of references that a box taken out would cost.
            return unsafe Unmanaged<EncoderBox>.fromOpaque(UnsafeRawPointer(state))._withUnsafeGuaranteedRef {
                unsafe $0.encode(entry, sink, error)
            }
        },
        event: { state, name, data, id, sink, error in
            guard let state = unsafe state, let sink = unsafe sink else { return Int32(LOGHOST_ENCODE_ERROR) }
            let event = unsafe Event(name: name.text, data: data.text, id: id.text)
            let box = unsafe EncoderBox.of(state)
            return unsafe write(to: sink, error) { sink in
                unsafe try box.encoder.pointee.encode(event, into: &sink)
                return .done
            }
        },
        keep_alive: { state in
            guard let state = unsafe state else { return unsafe loghost_bytes(data: nil, size: 0) }
            return unsafe EncoderBox.of(state).keepAlive
        },
        finish: { state, sink, error in
            guard let state = unsafe state, let sink = unsafe sink else { return Int32(LOGHOST_ENCODE_ERROR) }
            let box = unsafe EncoderBox.of(state)
            return unsafe write(to: sink, error) { sink in
                unsafe try box.encoder.pointee.finish(into: &sink)
                return .done
            }
        },
        end: { state in
            guard let state = unsafe state else { return }
            unsafe Unmanaged<EncoderBox>.fromOpaque(UnsafeRawPointer(state)).release()
        }))

/// Runs an encoder on the host's buffer: one reserve, one commit.
@inline(__always)
private func write(
    to sink: UnsafePointer<loghost_sink>, _ error: UnsafeMutablePointer<loghost_error>?,
    _ body: (inout Sink) throws -> EncodeProgress
) -> Int32 {
    var capacity = 0
    guard let memory = unsafe sink.pointee.reserve(sink.pointee.context, 1, &capacity) else { return Int32(LOGHOST_ENCODE_MORE) }
    var target = unsafe Sink(UnsafeMutableRawPointer(memory), capacity: capacity)
    do {
        let progress = try body(&target)
        unsafe sink.pointee.commit(sink.pointee.context, target.count)
        return progress == .done ? Int32(LOGHOST_ENCODE_DONE) : Int32(LOGHOST_ENCODE_MORE)
    } catch let failure {
        unsafe sink.pointee.commit(sink.pointee.context, target.count)
        unsafe error?.fill(failure)
        return Int32(LOGHOST_ENCODE_ERROR)
    }
}

/// An encoder's state behind an opaque pointer.
@safe
private final class EncoderBox {
    /// In memory of its own: whether two calls overlap need not be asked for each entry. They never do.
    let encoder: UnsafeMutablePointer<any Encoder>
    private let arena = Arena()
    let keepAlive: loghost_bytes

    init(_ encoder: any Encoder) {
        unsafe self.encoder = UnsafeMutablePointer<any Encoder>.allocate(capacity: 1)
        unsafe self.encoder.initialize(to: encoder)
        unsafe self.keepAlive = unsafe self.arena.bytes(encoder.keepAlive)
    }

    deinit {
        unsafe self.encoder.deinitialize(count: 1)
        unsafe self.encoder.deallocate()
    }

    static func of(_ pointer: OpaquePointer) -> EncoderBox {
        unsafe Unmanaged<EncoderBox>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    func describeNeeds(_ target: UnsafeMutablePointer<loghost_needs>) {
        let needs = unsafe self.encoder.pointee.needs
        var bits = 0
        if needs.cursor { bits |= LOGHOST_NEEDS_CURSOR }
        if needs.realtime { bits |= LOGHOST_NEEDS_REALTIME }
        if needs.monotonic { bits |= LOGHOST_NEEDS_MONOTONIC }
        if let fields = needs.fields {
            bits |= LOGHOST_NEEDS_NAMED_FIELDS
            unsafe target.pointee.field_names = unsafe self.arena.array(fields.map { unsafe self.arena.bytes($0) })
            unsafe target.pointee.field_name_count = fields.count
        } else {
            bits |= LOGHOST_NEEDS_ALL_FIELDS
        }
        unsafe target.pointee.needs = UInt32(bits)
    }

    func encode(
        _ entry: UnsafePointer<loghost_entry>, _ sink: UnsafePointer<loghost_sink>, _ error: UnsafeMutablePointer<loghost_error>?
    ) -> Int32 {
        unsafe write(to: sink, error) { sink in
            unsafe try self.encoder.pointee.encode(Entry(entry), into: &sink)
        }
    }
}
