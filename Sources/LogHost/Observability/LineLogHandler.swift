internal import Glibc
package import Logging

/// The host's log: a line for each record, `TIME LEVEL LABEL: KEY=VALUE … MESSAGE`. What finds no room is left out.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let writer: LineWriter
    private let threshold: LogThreshold
    /// Of this logger alone.
    private var ownLevel: Logger.Level?

    package init(label: String, writer: LineWriter = .standardError, threshold: LogThreshold = .shared) {
        self.label = label
        self.writer = writer
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
        var line = "\(Self.time) \(event.level) \(self.label):"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line += " \(event.message)"
        // One record, one line: what is logged may come from outside.
        let bytes = line.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 }
        _ = self.writer.write(bytes + [UInt8(ascii: "\n")])
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
