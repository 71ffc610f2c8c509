internal import Glibc
internal import Synchronization

/// Owns a file descriptor that never blocks by itself: every wait has a deadline.
final class Descriptor: Sendable {
    let number: Int32

    /// A write to a peer that has gone is an error of that write, not the end of the tests.
    private static let ignoresBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()

    init(_ number: Int32) {
        _ = Self.ignoresBrokenPipes
        self.number = number
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    }

    deinit { close(self.number) }

    /// Reads what there is, waiting for at least one byte; empty at the end.
    func read(upTo count: Int, by deadline: ContinuousClock.Instant) throws -> [UInt8] {
        while true {
            try self.wait(for: POLLIN, by: deadline)
            var result = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
                result = unsafe Glibc.read(self.number, memory.baseAddress, count)
                filled = max(result, 0)
            }
            if result >= 0 { return bytes }
            if errno == EAGAIN || errno == EINTR { continue }
            if errno == ECONNRESET { return [] }
            throw HarnessError(call: "read")
        }
    }

    /// Writes everything.
    func write(_ bytes: [UInt8], by deadline: ContinuousClock.Instant) throws {
        var sent = 0
        while sent < bytes.count {
            try self.wait(for: POLLOUT, by: deadline)
            let result = unsafe bytes.withUnsafeBytes { memory in
                unsafe Glibc.write(self.number, memory.baseAddress?.advanced(by: sent), memory.count - sent)
            }
            if result >= 0 {
                sent += result
            } else if errno != EAGAIN, errno != EINTR {
                throw HarnessError(call: "write")
            }
        }
    }

    /// Waits for an event; throws when there is none in time.
    private func wait(for event: Int32, by deadline: ContinuousClock.Instant) throws {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw HarnessError("the deadline passed while waiting for the other side") }
            var request = pollfd(fd: self.number, events: Int16(event), revents: 0)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            let result = unsafe poll(&request, 1, Int32(clamping: milliseconds + 1))
            if result > 0 { return }
            if result < 0, errno != EINTR { throw HarnessError(call: "poll") }
        }
    }

    /// Makes a pipe; what is started inherits no end of it unless told to.
    static func pipe() throws -> (reading: Descriptor, writing: Descriptor) {
        var ends: [Int32] = [0, 0]
        let result = ChildProcess.starting.withLock { _ in
            let result = unsafe Glibc.pipe(&ends)
            for end in ends where result == 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return result
        }
        guard result == 0 else { throw HarnessError(call: "pipe") }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }
}

/// A descriptor that can be closed before its owner goes.
final class Closable: Sendable {
    private let state: Mutex<Descriptor?>

    init(_ descriptor: Descriptor) { self.state = Mutex(descriptor) }

    var descriptor: Descriptor {
        get throws {
            guard let descriptor = self.state.withLock({ $0 }) else { throw HarnessError("the descriptor is closed") }
            return descriptor
        }
    }

    func close() { self.state.withLock { $0 = nil } }
}
