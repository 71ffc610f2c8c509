/// Reads an event stream as browsers do (HTML Standard, 9.2.6).
struct EventStreamParser {
    struct Message: Hashable {
        var event: String
        var data: String
        var lastEventID: String
    }

    private(set) var messages: [Message] = []
    private(set) var comments: [String] = []
    private(set) var lastEventID = ""

    init(_ bytes: [UInt8]) {
        var text = String(decoding: bytes, as: UTF8.self).unicodeScalars[...]
        if text.first == "\u{FEFF}" { text.removeFirst() }
        var line = String.UnicodeScalarView()
        var data = ""
        var event = ""
        var id = ""
        while let scalar = text.popFirst() {
            guard scalar == "\r" || scalar == "\n" else {
                line.append(scalar)
                continue
            }
            if scalar == "\r", text.first == "\n" { text.removeFirst() }
            self.process(String(line), &data, &event, &id)
            line = String.UnicodeScalarView()
        }
        // What is not ended by an empty line is dropped.
    }

    private mutating func process(_ line: String, _ data: inout String, _ event: inout String, _ id: inout String) {
        if line.isEmpty {
            self.lastEventID = id
            if !data.isEmpty {
                data.unicodeScalars.removeLast()
                self.messages.append(Message(event: event.isEmpty ? "message" : event, data: data, lastEventID: id))
            }
            data = ""
            event = ""
            return
        }
        let scalars = line.unicodeScalars
        guard let colon = scalars.firstIndex(of: ":") else { return self.field(line, "", &data, &event, &id) }
        var value = scalars[scalars.index(after: colon)...]
        if colon == scalars.startIndex {
            self.comments.append(String(value))
            return
        }
        if value.first == " " { value.removeFirst() }
        self.field(String(scalars[..<colon]), String(value), &data, &event, &id)
    }

    private func field(_ name: String, _ value: String, _ data: inout String, _ event: inout String, _ id: inout String) {
        switch name {
        case "data": data += value + "\n"
        case "event": event = value
        case "id": if !value.unicodeScalars.contains("\0") { id = value }
        default: break
        }
    }
}
