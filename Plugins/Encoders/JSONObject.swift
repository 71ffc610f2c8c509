internal import PluginKit

/// Writes entries as JSON objects, stopping wherever the buffer is full and going on from there.
///
/// `{"fields":{…},"cursor":"…","monotonic_timestamp":n,"realtime_timestamp":n}`; lines of files have no timestamps.
struct JSONObject {
    /// What stands around the object.
    enum Frame {
        /// The object and a newline.
        case line
        /// `data: ` and a blank line, with `id:` before it when the answer can be resumed.
        case event(ids: Bool)
    }

    /// What is to be written next.
    private enum Stage {
        case start
        case name
        case openValue
        case value
        case closeValue
        case tail
        /// The last field's value goes on in the next entry.
        case suspended
    }

    private let frame: Frame
    private let exact: Bool
    private let lines: Bool
    private var stage = Stage.start
    /// The field being written, and in exact form the one of its name whose value is being written.
    private var field = 0
    private var part = 0
    private var offset = 0
    private var isFirst = true
    private var isBytes = false
    private var idFollows = false
    /// The values of a repeated field are being written as an array.
    private var isArrayOpen = false
    private var repeated = RepeatedFields()
    /// The beginning of a character that the next piece of a long value completes.
    private var carry: [UInt8] = []

    init(frame: Frame, options: EncodeOptions) {
        self.frame = frame
        self.exact = options.exactValues
        self.lines = options.lines
    }

    /// Writes an entry or its next part into the host's buffer.
    mutating func encode(_ entry: borrowing Entry, into sink: inout Sink) -> EncodeProgress {
        var progress = EncodeProgress.more
        unsafe sink.withUnsafeFreeBytes { memory in
            var output = unsafe Output(memory)
            progress = self.encode(entry, to: &output)
            return output.count
        }
        return progress
    }

    private mutating func encode(_ entry: borrowing Entry, to output: inout Output) -> EncodeProgress {
        while true {
            switch self.stage {
            case .start:
                if entry.flags.contains(.newline) { return .done }
                // Whoever is called first has SINK_MINIMUM bytes, but a later entry of the same buffer may not.
                guard output.free >= Self.headRoom(entry) else { return .more }
                self.begin(entry, to: &output)
            case .suspended:
                guard self.resume(entry, to: &output) else { return .more }
            case .name:
                guard self.writeName(entry, to: &output) else { return .more }
            case .openValue:
                guard output.free >= 64 else { return .more }
                self.openValue(entry, to: &output)
            case .value:
                guard self.writeValue(entry, to: &output) else { return .more }
                if self.stage == .suspended { return .done }
            case .closeValue:
                guard output.free >= 64 else { return .more }
                self.closeValue(entry, to: &output)
            case .tail:
                guard output.free >= Self.headRoom(entry) else { return .more }
                self.end(entry, to: &output)
                return .done
            }
        }
    }

    /// Bytes that the fixed parts and an escaped cursor need.
    private static func headRoom(_ entry: borrowing Entry) -> Int {
        160 + JSONString.growth * entry.cursor.byteCount + JSONString.slack
    }

    private mutating func begin(_ entry: borrowing Entry, to output: inout Output) {
        if case .event(let ids) = self.frame {
            // A value in pieces has its cursor on the last one.
            self.idFollows = ids && entry.flags.contains(.continues)
            if ids, !self.idFollows {
                output.append("id: ")
                output.append(entry.cursor)
                output.append(UInt8(ascii: "\n"))
            }
            output.append("data: ")
        }
        output.append("{\"fields\":{")
        self.repeated.examine(entry, keepFirst: self.exact)
        self.isFirst = true
        self.field = -1
        self.moveToNextField(entry)
    }

    private mutating func moveToNextField(_ entry: borrowing Entry) {
        repeat { self.field &+= 1 } while self.field < entry.fieldCount && self.repeated.omits(self.field)
        self.offset = 0
        self.stage = self.field < entry.fieldCount ? .name : .tail
    }

    private mutating func writeName(_ entry: borrowing Entry, to output: inout Output) -> Bool {
        let name = entry.name(self.field)
        let value = entry.value(self.field)
        // The ordinary case: name and value fit whatever they hold, and nothing has to be remembered.
        if self.offset == 0, !self.exact, self.field &+ 1 < entry.fieldCount || entry.flags.isEmpty,
            output.free >= JSONString.growth &* (name.byteCount &+ value.byteCount) &+ 64
        {
            output.append(self.isFirst ? UInt8(ascii: "\"") : UInt8(ascii: ","))
            if !self.isFirst { output.append(UInt8(ascii: "\"")) }
            self.isFirst = false
            unsafe name.withUnsafeBytes { _ = unsafe JSONString.write($0, from: 0, complete: true, to: &output) }
            output.append("\":\"")
            unsafe value.withUnsafeBytes { _ = unsafe JSONString.write($0, from: 0, complete: true, to: &output) }
            output.append(UInt8(ascii: "\""))
            self.moveToNextField(entry)
            return true
        }
        guard output.free >= 64 else { return false }
        if self.offset == 0 {
            if !self.isFirst { output.append(UInt8(ascii: ",")) }
            self.isFirst = false
            output.append(UInt8(ascii: "\""))
        }
        self.offset = unsafe name.withUnsafeBytes { unsafe JSONString.write($0, from: self.offset, complete: true, to: &output) }
        guard self.offset >= name.byteCount, output.free >= 8 else { return false }
        output.append("\":")
        self.part = self.field
        self.isArrayOpen = self.exact && self.repeated.next(after: self.field, in: entry) != nil
        if self.isArrayOpen { output.append(UInt8(ascii: "[")) }
        self.stage = .openValue
        return true
    }

    private mutating func openValue(_ entry: borrowing Entry, to output: inout Output) {
        self.isBytes =
            unsafe self.exact && !self.isPiece(entry)
            && !entry.value(self.part).withUnsafeBytes { unsafe UTF8Sequence.isValid($0) }
        output.append(self.isBytes ? UInt8(ascii: "[") : UInt8(ascii: "\""))
        self.offset = 0
        self.carry = []
        self.stage = .value
    }

    private mutating func writeValue(_ entry: borrowing Entry, to output: inout Output) -> Bool {
        let value = entry.value(self.part)
        let isOpen = self.part &+ 1 == entry.fieldCount && entry.flags.contains(.continues)
        if self.isBytes {
            while self.offset < value.byteCount {
                guard output.free >= 24 else { return false }
                if self.offset > 0 { output.append(UInt8(ascii: ",")) }
                output.append(decimal: UInt64(unsafe value.unsafeLoad(fromByteOffset: self.offset, as: UInt8.self)))
                self.offset &+= 1
            }
        } else {
            let start = self.offset
            self.offset = unsafe value.withUnsafeBytes {
                unsafe JSONString.write($0, from: start, complete: !isOpen, to: &output)
            }
            if isOpen, self.offset < value.byteCount, value.byteCount &- self.offset < 4, output.free >= 64 {
                let rest = self.offset
                self.carry = unsafe value.withUnsafeBytes { unsafe Array($0[rest...]) }
                self.offset = value.byteCount
            }
            guard self.offset >= value.byteCount else { return false }
        }
        self.stage = isOpen ? .suspended : .closeValue
        return true
    }

    private mutating func closeValue(_ entry: borrowing Entry, to output: inout Output) {
        output.append(self.isBytes ? UInt8(ascii: "]") : UInt8(ascii: "\""))
        // The rest of a value in pieces is the last of its name.
        if self.isArrayOpen, !entry.flags.contains(.continued), let next = self.repeated.next(after: self.part, in: entry) {
            output.append(UInt8(ascii: ","))
            self.part = next
            self.stage = .openValue
            return
        }
        if self.isArrayOpen { output.append(UInt8(ascii: "]")) }
        self.isArrayOpen = false
        self.moveToNextField(entry)
    }

    /// Ends an entry whose value was to go on and does not: before an event, and before the end of the answer.
    mutating func abandon(into sink: inout Sink) {
        unsafe sink.withUnsafeFreeBytes { memory in
            var output = unsafe Output(memory)
            self.abandon(to: &output)
            return output.count
        }
    }

    private mutating func abandon(to output: inout Output) {
        guard self.stage == .suspended else { return }
        output.append(self.isArrayOpen ? "\"]},\"truncated\":true}\n" : "\"},\"truncated\":true}\n")
        if !self.framesLine { output.append(UInt8(ascii: "\n")) }
        self.isArrayOpen = false
        self.idFollows = false
        self.stage = .start
    }

    /// Goes on with the value that the entry before left open. False when the buffer is full.
    private mutating func resume(_ entry: borrowing Entry, to output: inout Output) -> Bool {
        guard output.free >= 64 else { return false }
        guard entry.flags.contains(.continued), entry.fieldCount > 0 else {
            // The source broke its promise: close what is open and begin anew.
            self.abandon(to: &output)
            return true
        }
        self.field = entry.fieldCount - 1
        self.part = self.field
        self.offset = 0
        self.stage = .value
        guard !self.carry.isEmpty else { return true }
        // The character that was cut, and enough of the new piece to complete it.
        let value = entry.value(self.field)
        let known = self.carry.count
        let joined = unsafe self.carry + value.withUnsafeBytes { unsafe Array($0.prefix(4)) }
        let isLast = value.byteCount <= 4 && !entry.flags.contains(.continues)
        let used = unsafe joined.withUnsafeBytes { unsafe JSONString.write($0, from: 0, complete: isLast, to: &output) }
        self.carry = used < known ? Array(joined[used...]) : []
        self.offset = used < known ? value.byteCount : used - known
        return true
    }

    private mutating func end(_ entry: borrowing Entry, to output: inout Output) {
        output.append("}")
        if !self.lines || self.framesLine {
            output.append(",\"cursor\":\"")
            unsafe entry.cursor.withUnsafeBytes { _ = unsafe JSONString.write($0, from: 0, complete: true, to: &output) }
            output.append(UInt8(ascii: "\""))
        }
        if !self.lines {
            output.append(",\"monotonic_timestamp\":")
            output.append(decimal: entry.monotonicMicroseconds)
            output.append(",\"realtime_timestamp\":")
            output.append(decimal: entry.realtimeMicroseconds)
        }
        output.append("}\n")
        if !self.framesLine {
            if self.idFollows {
                output.append("id: ")
                output.append(entry.cursor)
                output.append(UInt8(ascii: "\n"))
            }
            output.append(UInt8(ascii: "\n"))
        }
        self.idFollows = false
        self.stage = .start
    }

    private var framesLine: Bool {
        if case .line = self.frame { true } else { false }
    }

    private func isPiece(_ entry: borrowing Entry) -> Bool {
        self.part &+ 1 == entry.fieldCount && !entry.flags.isDisjoint(with: [.continues, .continued])
    }
}
