package import NIOCore

/// Passes on whole frames only (RFC 9113, 4.1), and keeps the beginning of at most one.
///
/// The library's parser gives memory back only when what it was handed ends with a frame: a client whose every write ends within one would
/// otherwise fill the memory. Behind the connection's end, while TLS still waits for the client's, it keeps all it is handed: then nothing is
/// passed on.
package final class FrameGate: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private static let prefaceBytes = 24
    private static let headerBytes = 9
    /// What is allowed without another setting; a longer frame goes to the parser at once, which refuses it.
    private static let maximumPayloadBytes = 16 << 10

    private var waiting = ByteBuffer()
    /// Bytes at the beginning of `waiting` that are no frame.
    private var preface = FrameGate.prefaceBytes

    private var isClosing = false

    package init() {}

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        self.isClosing = true
        self.waiting = ByteBuffer()
        context.close(mode: mode, promise: promise)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.isClosing { return }
        var bytes = Self.unwrapInboundIn(data)
        self.waiting.writeBuffer(&bytes)
        guard let whole = self.takeWhole() else { return }
        context.fireChannelRead(Self.wrapInboundOut(whole))
    }

    private func takeWhole() -> ByteBuffer? {
        let start = self.waiting.readerIndex
        let end = self.waiting.writerIndex
        guard end - start >= self.preface else { return nil }
        var next = start + self.preface
        while end - next >= Self.headerBytes, let high = self.waiting.getInteger(at: next, as: UInt16.self),
            let low = self.waiting.getInteger(at: next + 2, as: UInt8.self)
        {
            let payload = Int(high) << 8 | Int(low)
            let frameEnd = payload > Self.maximumPayloadBytes ? end : next + Self.headerBytes + payload
            guard frameEnd <= end else { break }
            next = frameEnd
        }
        guard next > start, let whole = self.waiting.readSlice(length: next - start) else { return nil }
        self.preface = 0
        // A copy of the little that is left: the memory before it is the parser's now.
        self.waiting = ByteBuffer(bytes: self.waiting.readableBytesView)
        return whole
    }
}
