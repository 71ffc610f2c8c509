internal import Glibc

/// A systemd-journald of its own: a journal namespace that no one else writes to.
final class NamespacedJournald: Sendable {
    private static let program = "/lib/systemd/systemd-journald"

    /// Only root can start one.
    static var isPossible: Bool { geteuid() == 0 && fileExists(self.program) && fileExists("/etc/machine-id") }

    let name: String
    private let child: ChildProcess
    private let output: CapturedOutput

    private var directory: String { "/run/systemd/journal.\(self.name)" }

    fileprivate init() throws {
        self.name = "loghoste2e\(getpid())"
        let pipe = try Descriptor.pipe()
        self.output = CapturedOutput(pipe.reading)
        self.child = try ChildProcess([Self.program, self.name], output: pipe.writing)
    }

    /// Sends an entry by journald's own protocol.
    func write(_ message: String, _ fields: [String: String] = [:]) throws {
        let lines = ["MESSAGE=\(message)"] + fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        try self.send(Array((lines.joined(separator: "\n") + "\n").utf8), to: "socket")
    }

    /// Sends an entry as syslog(3) would.
    func log(_ line: String) throws { try self.send(Array(line.utf8), to: "dev-log") }

    /// Makes journald archive its file and begin a new one.
    func rotate() { self.child.send(SIGUSR2) }

    /// How many files the journal has.
    var fileCount: Int { get throws { try self.journalDirectories.flatMap(listDirectory).count } }

    /// The paths of the journal's files.
    var files: [String] {
        get throws { try self.journalDirectories.flatMap { directory in listDirectory(directory).map { "\(directory)/\($0)" } } }
    }

    fileprivate func waitUntilReady() async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try !fileExists("\(self.directory)/socket") || self.fileCount == 0 {
            guard self.child.exit == nil, ContinuousClock.now < deadline else {
                throw HarnessError("systemd-journald did not start: \(self.output.string)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    fileprivate func stop() throws {
        self.child.kill()
        try removeTree(self.directory)
        for directory in try self.journalDirectories { try removeTree(directory) }
    }

    private var journalDirectories: [String] {
        get throws {
            let machine = String(decoding: try readFile("/etc/machine-id").prefix(32), as: UTF8.self)
            return ["/run/log/journal", "/var/log/journal"].map { "\($0)/\(machine).\(self.name)" }
        }
    }

    private func send(_ bytes: [UInt8], to socketName: String) throws {
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw HarnessError(call: "socket") }
        defer { close(number) }
        let sent = try unsafe ServerAddress.withUnixAddress("\(self.directory)/\(socketName)") { address, size in
            unsafe bytes.withUnsafeBytes { unsafe sendto(number, $0.baseAddress, $0.count, 0, address, size) }
        }
        guard sent == bytes.count else { throw HarnessError(call: "sendto \(socketName)") }
    }
}

/// Lends a journald of its own and removes its files.
func withNamespacedJournald<Value>(_ body: (NamespacedJournald) async throws -> Value) async throws -> Value {
    let journald = try NamespacedJournald()
    do {
        try await journald.waitUntilReady()
        let value = try await body(journald)
        try journald.stop()
        return value
    } catch {
        try? journald.stop()
        throw error
    }
}
