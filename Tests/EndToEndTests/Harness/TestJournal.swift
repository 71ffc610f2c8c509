internal import Glibc

/// A directory of journal files, written by systemd-journal-remote.
struct TestJournal: Sendable {
    let directory: String

    /// A file of this journal.
    func file(_ name: String) -> String { "\(self.directory)/\(name).journal" }

    /// Writes entries to a file and waits until they are there.
    func write(_ entries: [JournalEntry], to name: String = "a") async throws {
        let writer = try JournalWriter(file: self.file(name))
        try await writer.write(entries)
        try await writer.finish()
    }

    /// Lends a writer whose entries can be read at once, while it goes on.
    func withWriter<Value>(to name: String = "a", _ body: (JournalWriter) async throws -> Value) async throws -> Value {
        let writer = try JournalWriter(file: self.file(name))
        let value = try await body(writer)
        try await writer.finish()
        return value
    }

    /// Deletes a file and what it was rotated to.
    func delete(_ name: String) throws {
        let files = listDirectory(self.directory).filter { $0 == "\(name).journal" || $0.hasPrefix("\(name)@") }
        guard !files.isEmpty else { throw HarnessError("there is no journal file \(name)") }
        for file in files { try removeTree("\(self.directory)/\(file)") }
    }
}

/// Lends an empty journal.
func withJournal<Value>(_ body: (TestJournal) async throws -> Value) async throws -> Value {
    try await withTemporaryDirectory { try await body(TestJournal(directory: $0)) }
}

/// A systemd-journal-remote that waits for entries.
final class JournalWriter: Sendable {
    private static let program = "/lib/systemd/systemd-journal-remote"

    private let child: ChildProcess
    private let input: Closable
    private let output: CapturedOutput

    fileprivate init(file: String) throws {
        guard fileExists(Self.program) else {
            throw HarnessError("\(Self.program) is missing: install the package systemd-journal-remote")
        }
        let input = try Descriptor.pipe()
        let output = try Descriptor.pipe()
        self.input = Closable(input.writing)
        self.output = CapturedOutput(output.reading)
        self.child = try ChildProcess(
            [Self.program, "--output=\(file)", "--split-mode=none", "-"], input: input.reading, output: output.writing)
    }

    /// Hands entries over; they are in the file moments later.
    func write(_ entries: [JournalEntry]) async throws {
        let input = try self.input.descriptor
        let bytes = entries.reduce(into: [UInt8]()) { $0 += $1.exported }
        try await blocking { try input.write(bytes, by: .now + .seconds(20)) }
    }

    /// Waits until all entries are in the file.
    func finish() async throws {
        self.input.close()
        guard try await self.child.waitForExit(within: .seconds(20)) == .status(0) else {
            throw HarnessError("systemd-journal-remote failed: \(self.output.string)")
        }
    }
}
