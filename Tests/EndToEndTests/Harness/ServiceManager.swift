internal import Testing

/// Starts the program as systemd does, through `Tests/Systemd/launch.py`.
struct ServiceManager: Sendable {
    private static let repository = String(#filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" })

    /// What to put before the program's command line.
    let launcher: [String]
    private let record: String

    /// `passed` are as `NAME=unix:PATH`; `notify` is the path, or `@` and the name, of the socket for messages.
    init(directory: String, passed: [String] = [], notify: String? = nil, options: [String] = []) {
        self.record = "\(directory)/record"
        var arguments = ["python3", "-B", "\(Self.repository)/Tests/Systemd/launch.py"]
        for socket in passed { arguments += ["--pass", socket] }
        if let notify { arguments += ["--notify", notify, "--record", self.record] }
        self.launcher = arguments + options
    }

    /// What the program has said so far: of each message the lines. Only what comes from this process counts.
    func messages(from pid: Int32) throws -> [[String]] {
        String(decoding: try readFile(self.record), as: UTF8.self).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, Int32(parts[0]) == pid else { return nil }
            return parts[1].split(separator: "|").map(String.init)
        }
    }

    /// Waits until there are so many messages with a line that begins so.
    func wait(for line: String, from pid: Int32, count: Int = 1) async throws -> [[String]] {
        let deadline = ContinuousClock.now + .seconds(15)
        while true {
            let messages = try self.messages(from: pid).filter { $0.contains { $0.hasPrefix(line) } }
            if messages.count >= count { return messages }
            guard ContinuousClock.now < deadline else {
                throw HarnessError("the program has not said \(line) within 15 s: \(try self.messages(from: pid))")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Compiles what holds up the readers of journals.
    static func compileHold(to library: String) async throws {
        let (exit, output) = try await run([
            "cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library,
            "\(self.repository)/Tests/Systemd/hold.c", "-ldl",
        ])
        try #require(exit == .status(0), "\(output)")
    }
}
