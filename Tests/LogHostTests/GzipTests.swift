internal import CZlib
internal import LogHost
internal import NIOCore
internal import TestSupport
internal import Testing

@Suite struct GzipTests {
    /// What compresses here; libdeflate is not everywhere.
    enum Coder: CaseIterable {
        case stream, members

        func make() throws -> (any Gzip)? {
            switch self {
            case .stream: return try GzipStream()
            case .members: return try LibDeflate.installed.map(GzipMembers.init)
            }
        }
    }

    static let coders: [Coder] = LibDeflate.installed == nil ? [.stream] : Coder.allCases

    private static func text(_ random: inout SeededInputs, _ count: Int) -> [UInt8] {
        (0..<count).map { _ in "etaoin shrdlu\n".utf8.randomElement(using: &random) ?? 0 }
    }

    @Test(arguments: Self.coders, 0..<20)
    func `what is compressed piece by piece is one file`(coder: Coder, seed: UInt64) throws {
        var random = SeededInputs(state: seed)
        let gzip = try #require(try coder.make())
        var (input, output): ([UInt8], [UInt8]) = ([], [])
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let size = [0, 1, 10, 4_096, 300_000].randomElement(using: &random) ?? 0
            let piece = Self.text(&random, size)
            input += piece
            output += try gzip.compress(ByteBuffer(bytes: piece), isLast: false).readableBytesView
        }
        // A file that is cut off is no whole file.
        #expect(Self.unpack(output) == nil)
        let last = Self.text(&random, [0, 5, 70_000].randomElement(using: &random) ?? 0)
        output += try gzip.compress(ByteBuffer(bytes: last), isLast: true).readableBytesView
        #expect(Self.unpack(output) == input + last)
        #expect(output.count < (input.count + last.count) * 3 / 4 + 600)
    }

    /// Unpacks a file of any number of members; nil when its end is missing.
    private static func unpack(_ file: [UInt8]) -> [UInt8]? {
        var stream = unsafe z_stream()
        guard unsafe inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { unsafe inflateEnd(&stream) }
        var file = file
        var result: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 20)
        var status = Z_BUF_ERROR
        return unsafe file.withUnsafeMutableBufferPointer { bytes in
            unsafe stream.next_in = bytes.baseAddress
            unsafe stream.avail_in = UInt32(bytes.count)
            while unsafe stream.avail_in > 0 || status == Z_OK {
                let before = unsafe stream.avail_in
                if status == Z_STREAM_END { unsafe inflateReset(&stream) }
                let written = unsafe room.withUnsafeMutableBufferPointer { room in
                    unsafe stream.next_out = room.baseAddress
                    unsafe stream.avail_out = UInt32(room.count)
                    unsafe status = inflate(&stream, Z_NO_FLUSH)
                    return unsafe room.count - Int(stream.avail_out)
                }
                result += room[..<written]
                guard status == Z_OK || status == Z_STREAM_END, unsafe written > 0 || stream.avail_in < before else { return nil }
            }
            return status == Z_STREAM_END ? result : nil
        }
    }
}
