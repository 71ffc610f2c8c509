internal import PluginKit

/// Server-sent events: each entry's JSON object as `data`, its cursor as `id` where the answer can be resumed.
struct EventStreamEncoder: Encoder {
    static let encoding = Encoding(
        name: "sse", contentType: "text/event-stream", mediaTypes: ["text/event-stream"], isEventStream: true,
        summary: "Server-sent events, each the JSON object of an entry.")

    private var object: JSONObject
    let keepAlive: [UInt8]

    init(options: EncodeOptions) {
        self.object = JSONObject(frame: .event(ids: options.ids), options: options)
        // Existing clients of sandbox streams stumble over an empty event.
        self.keepAlive = Array((options.lines ? ": ping\n" : ": ping\n\n").utf8)
    }

    mutating func encode(_ entry: borrowing Entry, into sink: inout Sink) -> EncodeProgress {
        self.object.encode(entry, into: &sink)
    }

    mutating func finish(into sink: inout Sink) {
        self.object.abandon(into: &sink)
    }

    mutating func encode(_ event: Event, into sink: inout Sink) {
        self.object.abandon(into: &sink)
        sink.append("event: ")
        unsafe sink.append(event.name.utf8Span.span.bytes)
        if !event.id.isEmpty {
            sink.append("\nid: ")
            unsafe sink.append(event.id.utf8Span.span.bytes)
        }
        sink.append("\ndata: ")
        unsafe sink.append(event.data.utf8Span.span.bytes)
        sink.append("\n\n")
    }
}
