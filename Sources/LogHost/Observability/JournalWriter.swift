internal import CLinux
internal import Glibc

/// Hands records to the journal on a queue of its own, with their fields. What the journal does not take goes to standard error as a line.
package final class JournalWriter: Sendable {
    private struct Entry: Sendable {
        var record: [UInt8]
        var line: [UInt8]
    }

    /// Where journald listens.
    package static let path = "/run/systemd/journal/socket"

    private let lines: LineWriter
    private let backlog: Backlog<[Entry]>

    /// Nil when there can be no such socket. `lines` gets what is not taken.
    package init?(path: String = JournalWriter.path, lines: LineWriter = .standardError) {
        guard let socket = JournalSocket(path: path) else { return nil }
        self.lines = lines
        self.backlog = Backlog(label: "loghost.records") { entries in
            for entry in entries where !socket.send(entry.record) { _ = lines.write(entry.line) }
        }
    }

    /// True when what a process writes to a descriptor goes to the journal, as the service manager says in JOURNAL_STREAM.
    package static func receives(_ descriptor: Int32, stream: String?) -> Bool {
        var status = stat()
        guard let stream, unsafe fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Takes a record, and the line that it is elsewhere; false when there is no room for it.
    package func write(_ record: JournalRecord, line: [UInt8]) -> Bool {
        self.backlog.append([Entry(record: record.bytes, line: line)], size: record.bytes.count + line.count)
    }

    /// Waits until everything is handed over, at most so long.
    package func flush(within limit: Duration) {
        self.backlog.flush(within: limit)
        self.lines.flush(within: limit)
    }
}

/// The way to a journald.
private final class JournalSocket: Sendable {
    private let descriptor: Int32
    private let address: sockaddr_un

    init?(path: String) {
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
    }

    deinit { close(self.descriptor) }

    /// Waits while the journal is busy.
    func send(_ record: [UInt8]) -> Bool {
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
