internal import Glibc
package import Logging

/// The host's log: a line for each record, `TIME LEVEL LABEL: KEY=VALUE … MESSAGE`, or its parts as fields of a record of the journal. What
/// finds no room is left out.
package struct HostLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let output: LogOutput
    private let threshold: LogThreshold
    /// Of this logger alone.
    private var ownLevel: Logger.Level?

    package init(label: String, output: LogOutput = .standard, threshold: LogThreshold = .shared) {
        self.label = label
        self.output = output
        self.threshold = threshold
    }

    package var logLevel: Logger.Level {
        get { self.ownLevel ?? self.threshold.level }
        set { self.ownLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var metadata = self.metadata
        if let more = self.metadataProvider?.get() { metadata.merge(more) { $1 } }
        if let more = event.metadata { metadata.merge(more) { $1 } }
        let pairs = metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
        switch self.output {
        case .lines(let writer):
            _ = writer.write(self.line(event, pairs))
        case .journal(let journal):
            var record = JournalRecord(priority: event.level.severity)
            record.append("MESSAGE", "\(event.message)".utf8)
            record.append(own: "logger".utf8, self.label.utf8)
            for (key, value) in pairs { record.append(own: key.utf8, value.utf8) }
            _ = journal.write(record, line: self.line(event, pairs))
        }
    }

    private func line(_ event: LogEvent, _ pairs: [(key: String, value: String)]) -> [UInt8] {
        var line = "\(Self.time) \(event.level) \(self.label):"
        for (key, value) in pairs { line += " \(key)=\(value)" }
        line += " \(event.message)"
        // One record, one line: what is logged may come from outside.
        return line.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 } + [UInt8(ascii: "\n")]
    }

    /// RFC 3339 in local time.
    private static var time: String {
        var seconds = Glibc.time(nil)
        var parts = unsafe tm()
        unsafe localtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 40)
        let count = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension Logger.Level {
    /// As syslog counts.
    fileprivate var severity: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}
