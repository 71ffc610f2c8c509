internal import PluginKit

/// One JSON object per line.
struct JSONLinesEncoder: Encoder {
    static let encoding = Encoding(
        name: "json", contentType: "application/json", mediaTypes: ["application/json"], summary: "One JSON object per line.")

    private var object: JSONObject
    /// An empty line, which readers of JSON lines skip.
    let keepAlive = Array("\n".utf8)

    init(options: EncodeOptions) {
        self.object = JSONObject(frame: .line, options: options)
    }

    mutating func encode(_ entry: borrowing Entry, into sink: inout Sink) -> EncodeProgress {
        self.object.encode(entry, into: &sink)
    }

    mutating func finish(into sink: inout Sink) {
        self.object.abandon(into: &sink)
    }
}
