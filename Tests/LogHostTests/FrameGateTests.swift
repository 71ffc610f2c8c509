internal import LogHost
internal import NIOCore
internal import NIOEmbedded
internal import TestSupport
internal import Testing

@Suite struct FrameGateTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private static func frame(_ payload: Int) -> [UInt8] {
        let length = [
            UInt8(truncatingIfNeeded: payload >> 16), UInt8(truncatingIfNeeded: payload >> 8), UInt8(truncatingIfNeeded: payload),
        ]
        return length + [0xBB, 0, 0, 0, 0, 0] + (0..<payload).map { UInt8(truncatingIfNeeded: $0) }
    }

    /// Writes the bytes in such pieces; answers what comes out after each.
    private static func pass(_ bytes: [UInt8], pieces: [Int]) throws -> [[UInt8]] {
        let channel = EmbeddedChannel(handler: FrameGate())
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var out: [[UInt8]] = []
        var rest = bytes[...]
        for piece in pieces + [bytes.count] where !rest.isEmpty {
            try channel.writeInbound(ByteBuffer(bytes: rest.prefix(piece)))
            rest = rest.dropFirst(piece)
            while let buffer = try channel.readInbound(as: ByteBuffer.self) { out.append(Array(buffer.readableBytesView)) }
        }
        return out
    }

    @Test func `however a connection is cut, whole frames come out and nothing is lost`() throws {
        var random = SeededInputs(state: 7)
        for _ in 0..<200 {
            let frames = (0..<20).map { _ in Self.frame(Int(random.next() % 3 == 0 ? random.next() % 16_385 : random.next() % 20))
            }
            let bytes = Self.preface + frames.joined()
            var ends: Set<Int> = []
            var end = Self.preface.count
            for frame in frames { ends.insert(end); end += frame.count }
            ends.insert(end)
            let out = try Self.pass(bytes, pieces: (0..<400).map { _ in 1 + Int(random.next() % 2_000) })
            #expect(Array(out.joined()) == bytes)
            var passed = 0
            for piece in out {
                passed += piece.count
                #expect(ends.contains(passed), "a piece ends within a frame")
            }
        }
    }

    @Test func `a frame that is too long goes to the parser at once`() throws {
        let bytes = Self.preface + Self.frame(16_385)
        let out = try Self.pass(bytes, pieces: [Self.preface.count + 9, 100])
        #expect(out.first?.count == Self.preface.count + 9)
        #expect(Array(out.joined()) == bytes)
    }

    @Test func `behind the end of the connection nothing is passed on`() throws {
        let channel = EmbeddedChannel(handler: FrameGate())
        channel.close(promise: nil)
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: Self.preface + Self.frame(4)))
        #expect(try channel.readInbound(as: ByteBuffer.self) == nil)
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
