internal import NIOCore
internal import PluginABI

/// The memory an encoder writes into: one response buffer's free bytes, lent for the length of one filling.
@safe
struct Chunk {
    fileprivate(set) var start: UnsafeMutablePointer<UInt8>
    fileprivate(set) var used = 0
    let capacity: Int

    var free: Int { self.capacity - self.used }

    /// Fills a buffer through a sink; the sink's memory is the buffer's own.
    static func fill(
        _ buffer: inout ByteBuffer, capacity: Int,
        _ body: (_ chunk: UnsafeMutablePointer<Chunk>, _ sink: UnsafePointer<loghost_sink>) throws -> Void
    ) rethrows {
        unsafe try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { memory in
            guard let base = memory.baseAddress else { return 0 }
            var chunk = unsafe Chunk(start: base.assumingMemoryBound(to: UInt8.self), capacity: memory.count)
            unsafe try withUnsafeMutablePointer(to: &chunk) { chunk in
                var sink = unsafe loghost_sink(
                    size: UInt32(MemoryLayout<loghost_sink>.size), reserved: 0, context: UnsafeMutableRawPointer(chunk),
                    reserve: { context, minimum, capacity in
                        guard let context = unsafe context, let capacity = unsafe capacity else { return nil }
                        let chunk = unsafe context.assumingMemoryBound(to: Chunk.self)
                        guard unsafe chunk.pointee.free >= minimum, unsafe chunk.pointee.free > 0 else { return nil }
                        unsafe capacity.pointee = unsafe chunk.pointee.free
                        return unsafe chunk.pointee.start + chunk.pointee.used
                    },
                    commit: { context, count in
                        guard let context = unsafe context else { return }
                        let chunk = unsafe context.assumingMemoryBound(to: Chunk.self)
                        unsafe chunk.pointee.used += min(count, chunk.pointee.free)
                    })
                unsafe try body(chunk, &sink)
            }
            return chunk.used
        }
    }
}
