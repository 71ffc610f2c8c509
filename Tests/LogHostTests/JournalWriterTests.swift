import Glibc
import LogHost
import Logging
import Testing

@Suite struct JournalWriterTests {
    /// A journald's socket.
    private final class Listener {
        let path: String
        private let directory: String
        private let descriptor: Int32

        init() throws {
            var template = Array("/tmp/loghost-journal.XXXXXX".utf8CString)
            let made = unsafe mkdtemp(&template).map { unsafe String(cString: $0) }
            self.directory = try #require(made)
            self.path = "\(self.directory)/socket"
            self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(self.path.utf8)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
            let result = unsafe withUnsafePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(result == 0)
        }

        deinit {
            close(self.descriptor)
            unsafe unlink(self.path)
            unsafe rmdir(self.directory)
        }

        /// The fields of the next record, in order; nil when none comes.
        func receive() -> [String]? {
            var waiting = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&waiting, 1, 10_000) == 1 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            let count = unsafe recv(self.descriptor, &buffer, buffer.count, 0)
            return count < 0 ? nil : Self.fields(Array(buffer[..<count]))
        }

        private static func fields(_ bytes: [UInt8]) -> [String] {
            var (fields, rest) = ([String](), bytes[...])
            while let end = rest.firstIndex(of: 0x0A) {
                var line = rest[..<end]
                rest = rest[(end + 1)...]
                if !line.contains(UInt8(ascii: "=")) {
                    let length = (0..<8).reduce(0) { $0 | Int(rest[rest.startIndex + $1]) << (8 * $1) }
                    line = line + [UInt8(ascii: "=")] + rest.dropFirst(8).prefix(length)
                    rest = rest.dropFirst(8 + length + 1)
                }
                fields.append(String(decoding: line, as: UTF8.self))
            }
            return fields + (rest.isEmpty ? [] : ["no end"])
        }
    }

    @Test func `a record keeps its fields`() throws {
        let listener = try Listener()
        let journal = try #require(JournalWriter(path: listener.path))
        var logger = Logger(label: "loghost.test") { HostLogHandler(label: $0, output: .journal(journal)) }
        logger.logLevel = .debug
        logger.warning("two\nlines", metadata: ["status": "500", "more.Words": "a=b\nc"])
        #expect(
            listener.receive() == [
                "PRIORITY=4", "SYSLOG_IDENTIFIER=loghost", "MESSAGE=two\nlines", "LOGHOST_LOGGER=loghost.test",
                "LOGHOST_MORE_WORDS=a=b\nc", "LOGHOST_STATUS=500",
            ])
        logger.debug("quiet")
        #expect(listener.receive()?.prefix(3) == ["PRIORITY=7", "SYSLOG_IDENTIFIER=loghost", "MESSAGE=quiet"])
    }

    @Test func `what the journal does not take is a line elsewhere`() throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        let journal = try #require(JournalWriter(path: "/nonexistent/socket", lines: LineWriter(descriptor: ends[1])))
        let logger = Logger(label: "loghost.test") { HostLogHandler(label: $0, output: .journal(journal)) }
        logger.error("lost?", metadata: ["key": "value"])
        journal.flush(within: .seconds(10))
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe read(ends[0], &buffer, buffer.count)
        #expect(String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self).hasSuffix(" error loghost.test: key=value lost?\n"))
        for end in ends { close(end) }
    }

    @Test func `only the stream that was told of leads to the journal`() throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        // As stat(1) tells it: what the service manager does.
        let link = "/proc/self/fd/\(ends[1])"
        var text = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink(link, &text, text.count)
        // pipe:[INODE]
        let inode = String(decoding: text.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self).filter(\.isNumber)
        #expect(!inode.isEmpty)
        let device = (0..<64).first { JournalWriter.receives(ends[1], stream: "\($0):\(inode)") }
        #expect(device != nil)
        #expect(!JournalWriter.receives(ends[1], stream: nil))
        #expect(!JournalWriter.receives(ends[1], stream: "\(device ?? 0):\(inode)0"))
        #expect(!JournalWriter.receives(ends[1], stream: "\((device ?? 0) + 1):\(inode)"))
        #expect(!JournalWriter.receives(-1, stream: "\(device ?? 0):\(inode)"))
        for end in ends { close(end) }
    }
}
