internal import CZlib
package import NIOCore

/// gzip with zlib: one member, whatever the buffers.
// Used by one task at a time, as every `Gzip`.
@safe
package final class GzipStream: Gzip, @unchecked Sendable {
    private var stream = unsafe z_stream()

    package init() throws {
        // 15 bits of window, + 16 for the gzip header.
        let result = unsafe deflateInit2_(
            &self.stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw Problem.notCompressed }
    }

    deinit { unsafe deflateEnd(&self.stream) }

    package func compress(_ input: ByteBuffer, isLast: Bool) -> ByteBuffer {
        var output = ByteBuffer()
        var input = input
        unsafe input.withUnsafeMutableReadableBytes { bytes in
            unsafe self.stream.next_in = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe self.stream.avail_in = UInt32(bytes.count)
            var isFinished = false
            while !isFinished {
                unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { room in
                    unsafe self.stream.next_out = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    unsafe self.stream.avail_out = UInt32(room.count)
                    let result = unsafe deflate(&self.stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    isFinished = unsafe isLast ? result == Z_STREAM_END : self.stream.avail_out > 0
                    // Cannot happen with room and a sound stream; never loop for ever on it.
                    if unsafe result == Z_STREAM_ERROR || result == Z_BUF_ERROR && self.stream.avail_out > 0 { isFinished = true }
                    return unsafe room.count - Int(self.stream.avail_out)
                }
            }
            unsafe self.stream.next_in = nil
        }
        return output
    }
}
