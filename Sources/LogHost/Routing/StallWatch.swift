internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Closes a connection whose client takes nothing of a pending write for too long. A client that takes little is left alone.
final class StallWatch: Sendable {
    /// Looks within the limit.
    private static let looks: Int64 = 4

    private let channel: any Channel
    private let interval: TimeAmount
    private let state = Mutex(State())

    private struct State {
        var hasEnded = false
        var timer: Scheduled<Void>?
        /// Bytes not taken when it was looked at last.
        var left = Int.max
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
        // While a write is pending nothing is added: what is left in the host and in the kernel can only shrink.
        let left = self.pendingBytes
        let (hasEnded, isStalled) = self.state.withLock { state in
            state.stalls = left < state.left ? 0 : state.stalls + 1
            state.left = left
            return (state.hasEnded, state.stalls >= Self.looks)
        }
        if hasEnded { return }
        if isStalled { self.channel.close(promise: nil) } else { self.begin() }
    }

    private var pendingBytes: Int {
        let buffered = (try? self.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0
        var queued: CInt = 0
        _ = try? self.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { descriptor in
            unsafe ioctl(descriptor, UInt(TIOCOUTQ), &queued)
        }
        return buffered + Int(queued)
    }
}
