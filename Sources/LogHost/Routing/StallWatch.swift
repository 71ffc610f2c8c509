internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Closes a connection, or a stream of HTTP/2, whose client takes nothing of a pending write for too long. A client that takes little is
/// left alone.
final class StallWatch: Sendable {
    /// Looks within the limit.
    private static let looks: Int64 = 4

    private let channel: any Channel
    private let interval: TimeAmount
    private let state = Mutex(State())

    private struct State {
        var hasEnded = false
        var timer: Scheduled<Void>?
        /// What was there when it was looked at last.
        var last = Progress(taken: 0, left: .max)
        /// Looks without a change.
        var stalls: Int64 = 0
    }

    init(channel: any Channel, limit: TimeAmount) {
        self.channel = channel
        self.interval = .nanoseconds(max(1, limit.nanoseconds / Self.looks))
    }

    func begin() {
        let timer = self.channel.eventLoop.scheduleTask(in: self.interval) { self.look() }
        let hasEnded = self.state.withLock { state in
            state.timer = timer
            return state.hasEnded
        }
        if hasEnded { timer.cancel() }
    }

    func end() {
        let timer = self.state.withLock { state in
            state.hasEnded = true
            return state.timer.take()
        }
        timer?.cancel()
    }

    private func look() {
        let now = self.progress
        let (hasEnded, isStalled) = self.state.withLock { state in
            state.stalls = now.isAhead(of: state.last) ? 0 : state.stalls + 1
            state.last = now
            return (state.hasEnded, state.stalls >= Self.looks)
        }
        if hasEnded { return }
        if isStalled { self.channel.close(promise: nil) } else { self.begin() }
    }

    /// How far the client has come.
    private struct Progress {
        /// Bytes that have left a stream.
        var taken: Int
        /// Bytes that wait for the client in the host and in the kernel; nil where these do not hold the stream up.
        var left: Int?

        func isAhead(of last: Progress) -> Bool {
            if self.taken > last.taken { return true }
            guard let left, let lastLeft = last.left else { return false }
            return left < lastLeft
        }
    }

    private var progress: Progress {
        guard let parent = self.channel.parent,
            let stream = try? self.channel.pipeline.syncOperations.handler(type: StreamObserver.self)
        else {
            // While a write is pending nothing is added: what is left can only shrink.
            let (buffered, queued) = Self.pendingBytes(of: self.channel)
            return Progress(taken: 0, left: buffered + queued)
        }
        // Where the connection has room, it is the stream's own window that is closed.
        let (buffered, queued) = Self.pendingBytes(of: parent)
        return Progress(taken: stream.taken, left: buffered > 0 ? buffered + queued : nil)
    }

    /// Bytes that have not been given to the kernel, and that the kernel has not got rid of.
    private static func pendingBytes(of channel: any Channel) -> (buffered: Int, queued: Int) {
        let buffered = (try? channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0
        var queued: CInt = 0
        _ = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { descriptor in
            unsafe ioctl(descriptor, UInt(TIOCOUTQ), &queued)
        }
        return (buffered, Int(queued))
    }
}
