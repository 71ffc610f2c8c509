internal import Glibc

/// Where the host's own logs go.
package enum LogOutput: Sendable {
    case lines(LineWriter)
    case journal(JournalWriter)

    /// The journal, where standard error leads there anyway: then records keep their fields.
    package static let standard: LogOutput = {
        let stream = unsafe getenv("JOURNAL_STREAM").map { unsafe String(cString: $0) }
        guard JournalWriter.receives(STDERR_FILENO, stream: stream), let journal = JournalWriter() else {
            return .lines(.standardError)
        }
        return .journal(journal)
    }()

    /// Waits until everything is written, at most so long.
    package func flush(within limit: Duration) {
        switch self {
        case .lines(let writer): writer.flush(within: limit)
        case .journal(let journal): journal.flush(within: limit)
        }
    }

    /// Takes a record that machines read; false when there is no room for it.
    func write(_ record: RecordLine) -> Bool {
        let line = record.ended
        return switch self {
        case .lines(let writer): writer.write(line)
        case .journal(let journal): journal.write(record.journalRecord(line), line: line)
        }
    }
}
