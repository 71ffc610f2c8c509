internal import Glibc
internal import PluginKit

/// `YYYY-MM-DD HH:MM:SS: MESSAGE` in the host's time zone; a line of a file, and an entry without a time, as it is.
struct TextEncoder: Encoder {
    static let encoding = Encoding(
        name: "text", contentType: "text/plain", mediaTypes: ["text/plain", "text/html"],
        summary: "One line per entry: the local time and MESSAGE.")

    private static let message: StaticString = "MESSAGE"

    private let lines: Bool
    private var time = LocalTime()
    /// How much of the current message is written; nil before its time is.
    private var offset: Int?

    init(options: EncodeOptions) {
        self.lines = options.lines
    }

    var needs: Query.Needs {
        var needs = Query.Needs()
        needs.cursor = false
        needs.monotonic = false
        needs.realtime = !self.lines
        needs.fields = [Array("\(Self.message)".utf8)]
        return needs
    }

    mutating func encode(_ entry: borrowing Entry, into sink: inout Sink) -> EncodeProgress {
        if entry.flags.contains(.newline) {
            guard sink.free > 0 else { return .more }
            sink.append(UInt8(ascii: "\n"))
            return .done
        }
        guard let field = Self.messageField(entry) else { return .done }
        let message = entry.value(field)
        if self.offset == nil {
            guard sink.free >= 64 else { return .more }
            if !self.lines, entry.realtimeMicroseconds != 0, !entry.flags.contains(.continued) {
                self.time.append(secondsSinceEpoch: entry.realtimeMicroseconds / 1_000_000, to: &sink)
                sink.append(": ")
            }
        }
        let start = self.offset ?? 0
        let end = min(message.byteCount, start + sink.free)
        sink.append(message.extracting(start..<end))
        guard end == message.byteCount, sink.free > 0 else {
            self.offset = end
            return .more
        }
        if entry.flags.isDisjoint(with: [.noNewline, .continues]) { sink.append(UInt8(ascii: "\n")) }
        self.offset = nil
        return .done
    }

    /// The first MESSAGE: a source that is asked for this field alone need not give another.
    private static func messageField(_ entry: borrowing Entry) -> Int? {
        var index = 0
        while index < entry.fieldCount {
            let name = entry.name(index)
            let isMessage = unsafe name.withUnsafeBytes { name in
                unsafe name.count == Self.message.utf8CodeUnitCount
                    && memcmp(name.baseAddress.unsafelyUnwrapped, Self.message.utf8Start, name.count) == 0
            }
            if isMessage { return index }
            index += 1
        }
        return nil
    }
}
