internal import Glibc

/// Writes lines to a descriptor on a queue of its own: whoever has something to say does not wait for who reads it.
package final class LineWriter: Sendable {
    /// Where logs go.
    package static let standardError = LineWriter(descriptor: STDERR_FILENO)

    private let backlog: Backlog<[UInt8]>

    /// Writes to a descriptor that stays the caller's.
    package init(descriptor: Int32) {
        self.backlog = Backlog(label: "loghost.lines") { Self.write($0, to: descriptor) }
    }

    /// Takes a line with its end; false when there is no room for it.
    package func write(_ line: [UInt8]) -> Bool { self.backlog.append(line, size: line.count) }

    /// Waits until everything is written, at most so long.
    package func flush(within limit: Duration) { self.backlog.flush(within: limit) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                // Somebody has made it non-blocking; half a line would spoil the next.
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&waiting, 1, 1000)
            } else if count < 0, errno != EINTR {
                return
            }
        }
    }
}
