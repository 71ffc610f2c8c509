internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Hands records to the journal on a queue of its own, with their fields. What the journal does not take goes to standard error as a line.
package final class JournalWriter: Sendable {
    private struct State {
        var waiting: [(record: [UInt8], line: [UInt8])] = []
        var size = 0
        var isDue = false
    }

    /// Where journald listens.
    package static let path = "/run/systemd/journal/socket"
    /// Bytes that wait while nobody takes them.
    private static let capacity = 1 << 20
    private static let delay = 5

    private let descriptor: Int32
    private let address: sockaddr_un
    private let lines: LineWriter
    private let queue = DispatchQueue(label: "loghost.records")
    private let state = Mutex(State())

    /// Nil when there can be no such socket. `lines` gets what is not taken.
    package init?(path: String = JournalWriter.path, lines: LineWriter = .standardError) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            close(descriptor)
            return nil
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        self.descriptor = descriptor
        self.address = address
        self.lines = lines
    }

    deinit { close(self.descriptor) }

    /// True when what a process writes to a descriptor goes to the journal, as the service manager says in JOURNAL_STREAM.
    package static func receives(_ descriptor: Int32, stream: String?) -> Bool {
        var status = stat()
        guard let stream, unsafe fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Takes a record, and the line that it is elsewhere; false when there is no room for it.
    package func write(_ record: JournalRecord, line: [UInt8]) -> Bool {
        let size = record.bytes.count + line.count
        let (isTaken, begins) = self.state.withLock { state in
            guard state.size + size <= Self.capacity else { return (false, false) }
            state.waiting.append((record.bytes, line))
            state.size += size
            defer { state.isDue = true }
            return (true, !state.isDue)
        }
        if begins { self.queue.asyncAfter(deadline: .now() + .milliseconds(Self.delay)) { self.drain() } }
        return isTaken
    }

    /// Waits until everything is handed over, at most so long.
    package func flush(within limit: Duration) {
        let written = DispatchSemaphore(value: 0)
        self.queue.async {
            self.drain()
            written.signal()
        }
        _ = written.wait(timeout: .now() + .milliseconds(Int(limit / .milliseconds(1))))
        self.lines.flush(within: limit)
    }

    private func drain() {
        let waiting = self.state.withLock { state in
            state.isDue = false
            state.size = 0
            defer { state.waiting = [] }
            return state.waiting
        }
        for (record, line) in waiting where !self.send(record) { _ = self.lines.write(line) }
    }

    /// Waits while the journal is busy.
    private func send(_ record: [UInt8]) -> Bool {
        var address = self.address
        return unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                while true {
                    let count = unsafe record.withUnsafeBytes {
                        unsafe sendto(
                            self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), address,
                            socklen_t(MemoryLayout<sockaddr_un>.size))
                    }
                    if count >= 0 { return true }
                    if errno != EINTR { return false }
                }
            }
        }
    }
}
