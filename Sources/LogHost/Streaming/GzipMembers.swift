package import NIOCore

/// gzip with libdeflate: a member for each buffer, one behind the other, as RFC 1952 has it.
// Used by one task at a time, as every `Gzip`.
@safe
package final class GzipMembers: Gzip, @unchecked Sendable {
    private let library: LibDeflate
    private let compressor: OpaquePointer
    /// The end of the last member, until it is known that there is more, or no more: without it, what is cut off is no whole file.
    private var trailer = ByteBuffer()
    private var hasMembers = false

    package init(_ library: LibDeflate) throws {
        guard let compressor = unsafe library.allocate(6) else { throw Problem.notCompressed }
        self.library = library
        unsafe self.compressor = unsafe compressor
    }

    deinit { unsafe self.library.free(self.compressor) }

    package func compress(_ input: ByteBuffer, isLast: Bool) throws -> ByteBuffer {
        var output = self.trailer
        self.trailer = ByteBuffer()
        // Nothing is a file, too.
        if input.readableBytes > 0 || isLast && !self.hasMembers {
            try self.append(input, to: &output)
            self.hasMembers = true
        }
        if !isLast { self.trailer = Self.takeTrailer(of: &output) }
        return output
    }

    private func append(_ input: ByteBuffer, to output: inout ByteBuffer) throws {
        let room = unsafe self.library.bound(self.compressor, input.readableBytes)
        let size = unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { room in
            unsafe input.withUnsafeReadableBytes { bytes in
                unsafe self.library.compress(self.compressor, bytes.baseAddress, bytes.count, room.baseAddress, room.count)
            }
        }
        guard size > 0 else { throw Problem.notCompressed }
    }

    /// CRC32 and ISIZE; a member is longer.
    private static func takeTrailer(of output: inout ByteBuffer) -> ByteBuffer {
        let size = min(8, output.readableBytes)
        let start = output.writerIndex - size
        let trailer = output.getBytes(at: start, length: size).map { ByteBuffer(bytes: $0) }
        output.moveWriterIndex(to: start)
        return trailer ?? ByteBuffer()
    }
}
