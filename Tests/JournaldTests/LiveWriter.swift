import Glibc
import Testing

/// Writes entries into a file that readers have open already.
@safe
final class LiveWriter {
    private let pipe: UnsafeMutablePointer<FILE>

    /// Makes the file; it has no entries yet.
    init(_ journal: JournalFixture) throws {
        let path = "\(journal.directory)/live.journal"
        let command = "\(JournalFixture.writer) --output=\(path) --split-mode=none - 2>/dev/null"
        unsafe self.pipe = unsafe try #require(unsafe popen(command, "w"))
        var facts = stat()
        for _ in 0..<1_000 {
            // Complete, with its hash tables.
            if unsafe stat(path, &facts) == 0, facts.st_size >= 1 << 20 { return }
            usleep(5_000)
        }
        Issue.record("no journal file was made")
    }

    func write(_ entry: WrittenEntry) {
        let bytes = entry.exported
        _ = unsafe fwrite(bytes, 1, bytes.count, self.pipe)
        unsafe fflush(self.pipe)
    }

    deinit { _ = unsafe pclose(self.pipe) }
}
