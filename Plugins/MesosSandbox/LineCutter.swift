internal import Glibc
internal import PluginKit

/// Cuts a file's bytes into lines. A line that one piece of the file holds is copied once, straight into the batch.
struct LineCutter {
    private let format: LineReader.Format
    private var prefix: FilePrefix
    /// Where the first of the bytes that are being cut stands in the file, or would.
    private var chunkOffset: UInt64
    /// What is there of a line whose end has not come.
    private var unfinished: [UInt8] = []
    private var unfinishedEnd: UInt64
    /// True when the beginning of that line has been given already.
    private var isInsideValue = false
    /// What happens to a newline that comes next.
    private var nextNewline: NextNewline
    private var cursor: [UInt8] = []
    /// Of the last line given.
    private(set) var lastCursor: [UInt8] = []
    /// Where an unfinished line was given up: it is cut there.
    var released: UInt64?

    private enum NextNewline {
        /// It is the end of a blank line.
        case isLine
        /// It ends a line begun before the place where reading began.
        case isDropped
        /// It ends a line whose text was given without it.
        case isOwed
    }

    /// A longer line is given in pieces of about this size.
    private static let pieceCapacity = 64 << 10
    private static let message = Array("MESSAGE".utf8)

    init(_ start: LineStart, _ format: LineReader.Format) {
        self.format = format
        self.prefix = start.place.prefix
        self.chunkOffset = start.place.offset
        self.unfinishedEnd = start.place.offset
        self.nextNewline = start.dropsNewline ? .isDropped : .isLine
    }

    /// True while there is the beginning of a line without its end.
    var hasUnfinished: Bool { !self.unfinished.isEmpty || self.isInsideValue }

    /// How far the file has been cut.
    var end: UInt64 { self.unfinishedEnd }

    /// Begins the next bytes: from an index on, which stands at an offset of the file.
    mutating func begin(_ chunk: [UInt8], from index: Int, at offset: UInt64) {
        self.chunkOffset = offset - UInt64(index)
        self.prefix.extend(chunk[index...], at: offset)
    }

    /// Begins another file.
    mutating func beginFile() {
        self.prefix = FilePrefix()
        self.chunkOffset = 0
        self.unfinishedEnd = 0
        self.nextNewline = .isLine
        self.released = nil
    }

    /// Appends lines until the bytes are used up or the batch is full.
    mutating func cut(_ chunk: [UInt8], from position: inout Int, into batch: inout BatchBuilder, _ limits: ReadLimits) {
        while position < chunk.count, batch.entryCount < limits.entries, batch.byteCount < limits.bytes {
            if self.isCutHere(position) {
                self.endUnfinished(into: &batch)
                continue
            }
            if chunk[position] == UInt8(ascii: "\n"), self.takeNewline(into: &batch) {
                position += 1
                self.unfinishedEnd = self.chunkOffset + UInt64(position)
                continue
            }
            self.nextNewline = .isLine
            let newline = find(newlineIn: chunk, from: position)
            var end = newline ?? chunk.count
            if let cut = self.cut(between: position, end) { end = cut }
            if end == newline {
                self.endLine(chunk, position..<end, into: &batch)
                position = end + 1
            } else {
                self.keep(chunk[position..<end], into: &batch)
                position = end
            }
            self.unfinishedEnd = self.chunkOffset + UInt64(position)
        }
    }

    /// True when the unfinished line was given up just here.
    private func isCutHere(_ position: Int) -> Bool {
        self.hasUnfinished && self.released == self.chunkOffset + UInt64(position)
    }

    /// Where an unfinished line was given up within this text.
    private func cut(between start: Int, _ end: Int) -> Int? {
        guard let released, released > self.chunkOffset + UInt64(start), released < self.chunkOffset + UInt64(end) else {
            return nil
        }
        return Int(released - self.chunkOffset)
    }

    /// True when a newline belongs to what was given before.
    private mutating func takeNewline(into batch: inout BatchBuilder) -> Bool {
        defer { self.nextNewline = .isLine }
        switch self.nextNewline {
        case .isLine: return false
        case .isDropped: return true
        case .isOwed:
            self.endEntry(at: self.unfinishedEnd, flags: .newline, into: &batch)
            return true
        }
    }

    private mutating func keep(_ text: ArraySlice<UInt8>, into batch: inout BatchBuilder) {
        self.unfinished += text
        guard self.unfinished.count >= Self.pieceCapacity else { return }
        unsafe self.append(self.unfinished.span.bytes, into: &batch)
        batch.endEntry(cursor: RawSpan(), flags: self.isInsideValue ? [.continued, .continues] : .continues)
        self.isInsideValue = true
        self.unfinished.removeAll(keepingCapacity: true)
    }

    private mutating func endLine(_ chunk: [UInt8], _ range: Range<Int>, into batch: inout BatchBuilder) {
        let end = self.chunkOffset + UInt64(range.upperBound)
        if !self.hasUnfinished {
            if range.isEmpty, self.format.dropsBlankLines { return }
            unsafe self.append(chunk.span.bytes.extracting(range), into: &batch)
        } else {
            self.unfinished += chunk[range]
            unsafe self.append(self.unfinished.span.bytes, into: &batch)
            self.unfinished.removeAll(keepingCapacity: true)
        }
        self.endEntry(at: end, flags: self.isInsideValue ? .continued : [], into: &batch)
        self.isInsideValue = false
    }

    /// Gives what is there of a line whose end does not come.
    mutating func endUnfinished(into batch: inout BatchBuilder) {
        guard self.hasUnfinished else { return }
        unsafe self.append(self.unfinished.span.bytes, into: &batch)
        self.endEntry(at: self.unfinishedEnd, flags: self.isInsideValue ? [.continued, .noNewline] : .noNewline, into: &batch)
        self.unfinished.removeAll(keepingCapacity: true)
        self.isInsideValue = false
        self.nextNewline = .isOwed
    }

    /// The text stands last: it may go on in the next entry.
    private func append(_ text: RawSpan, into batch: inout BatchBuilder) {
        if !self.isInsideValue {
            for field in self.format.fields { unsafe batch.append(name: field.name.span.bytes, value: field.value.span.bytes) }
        }
        unsafe batch.append(name: Self.message.span.bytes, value: text)
    }

    private mutating func endEntry(at offset: UInt64, flags: EntryFlags, into batch: inout BatchBuilder) {
        guard self.format.needsCursor else {
            batch.endEntry(cursor: RawSpan(), flags: flags)
            return
        }
        self.cursor.removeAll(keepingCapacity: true)
        appendDecimal(offset, to: &self.cursor)
        if let suffix = self.prefix.suffix(at: offset) { self.cursor += suffix }
        unsafe batch.endEntry(cursor: self.cursor.span.bytes, flags: flags)
        swap(&self.cursor, &self.lastCursor)
    }
}

private func find(newlineIn bytes: [UInt8], from start: Int) -> Int? {
    unsafe bytes.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress, let found = unsafe memchr(base + start, 0x0A, bytes.count - start) else {
            return nil
        }
        return unsafe UnsafeRawPointer(found) - base
    }
}

private func appendDecimal(_ number: UInt64, to bytes: inout [UInt8]) {
    var rest = number
    let start = bytes.count
    repeat {
        let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
        bytes.append(UInt8(truncatingIfNeeded: remainder) | 0x30)
        rest = quotient
    } while rest > 0
    bytes[start...].reverse()
}
