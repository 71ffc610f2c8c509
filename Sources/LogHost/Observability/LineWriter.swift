internal import Dispatch
internal import Glibc
internal import Synchronization

/// Writes lines to a descriptor on a queue of its own: whoever has something to say does not wait for who reads it.
package final class LineWriter: Sendable {
    private struct State {
        var waiting: [UInt8] = []
        var isDue = false
    }

    /// Where logs go.
    package static let standardError = LineWriter(descriptor: STDERR_FILENO)
    /// Bytes that wait while nobody reads.
    private static let capacity = 1 << 20
    /// Lines are written together that come within so many milliseconds: under load a call for each would cost more than making it.
    private static let delay = 5

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "loghost.lines")
    private let state = Mutex(State())

    /// Writes to a descriptor that stays the caller's.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Takes a line with its end; false when there is no room for it.
    package func write(_ line: [UInt8]) -> Bool {
        let (isTaken, begins) = self.state.withLock { state in
            guard state.waiting.count + line.count <= Self.capacity else { return (false, false) }
            state.waiting += line
            defer { state.isDue = true }
            return (true, !state.isDue)
        }
        if begins { self.queue.asyncAfter(deadline: .now() + .milliseconds(Self.delay)) { self.drain() } }
        return isTaken
    }

    /// Waits until everything is written, at most so long.
    package func flush(within limit: Duration) {
        let written = DispatchSemaphore(value: 0)
        self.queue.async {
            self.drain()
            written.signal()
        }
        _ = written.wait(timeout: .now() + .milliseconds(Int(limit / .milliseconds(1))))
    }

    private func drain() {
        let bytes = self.state.withLock { state in
            state.isDue = false
            defer { state.waiting = [] }
            return state.waiting
        }
        self.writeAll(bytes)
    }

    private func writeAll(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(self.descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                // Somebody has made it non-blocking; half a line would spoil the next.
                var waiting = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&waiting, 1, 1000)
            } else if count < 0, errno != EINTR {
                return
            }
        }
    }
}
