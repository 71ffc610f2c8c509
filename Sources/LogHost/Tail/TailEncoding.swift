internal import NIOCore
internal import PluginABI

/// Encodes a tail's entries once for all feeds of one encoding.
// Used by the tail's task alone.
final class TailEncoding {
    private let encoding: Encoding
    /// Nil before the first entry, and after one that was given up in the middle.
    private var state: EncoderState?
    /// The bytes of the entries encoded since `begin`.
    private(set) var bytes = ByteBuffer()
    /// Where each of them lies; nil for one that could not be encoded, or was not asked for.
    private(set) var spans: [Range<Int>?] = []

    /// An entry with more bytes is not kept for followers.
    static let entryCapacity = 1 << 20
    /// Room given to the encoder at once.
    private static let chunkCapacity = 16 << 10
    /// Memory kept for the next batch.
    private static let keptCapacity = 1 << 20

    init(_ encoding: Encoding) {
        self.encoding = encoding
    }

    /// Records how long a batch has taken.
    func recordTime(since start: NIODeadline) { self.encoding.encoder.recordEncoding(since: start) }

    /// Forgets the entries encoded so far.
    func begin() {
        if self.bytes.storageCapacity > Self.keptCapacity { self.bytes = ByteBuffer() } else { self.bytes.clear() }
        self.spans.removeAll(keepingCapacity: true)
    }

    /// Leaves an entry out.
    func skip() { self.spans.append(nil) }

    /// Encodes an entry.
    func encode(_ entry: UnsafePointer<loghost_entry>) {
        let start = self.bytes.writerIndex
        self.spans.append(unsafe self.append(entry, from: start) ? start..<self.bytes.writerIndex : nil)
    }

    /// Ends an entry that was appended in pieces.
    func endPieces(isWhole: Bool) { self.spans = [isWhole ? 0..<self.bytes.writerIndex : nil] }

    /// Appends an entry or a piece of one to what begins at `start`; when that is not possible, removes it all and answers false.
    func append(_ entry: UnsafePointer<loghost_entry>, from start: Int) -> Bool {
        if self.state == nil { self.state = try? self.encoding.begin() }
        guard let state else { return false }
        var error = PluginFailure.fresh()
        while self.bytes.writerIndex - start <= Self.entryCapacity {
            var result = LOGHOST_ENCODE_ERROR
            let before = self.bytes.writerIndex
            unsafe Chunk.fill(&self.bytes, capacity: Self.chunkCapacity) { _, sink in
                result = unsafe state.encode(entry, sink, &error)
            }
            if result == LOGHOST_ENCODE_DONE { return true }
            if result == LOGHOST_ENCODE_MORE, self.bytes.writerIndex > before { continue }
            self.encoding.encoder.countFailure(result == LOGHOST_ENCODE_MORE ? .noProgress : PluginFailure(error))
            break
        }
        self.giveUp(from: start)
        return false
    }

    /// Removes the bytes of an entry that stays unfinished.
    func giveUp(from start: Int) {
        // In the middle of an entry an encoder knows only how to go on with it.
        self.state = nil
        self.bytes.moveWriterIndex(to: start)
    }

    /// Encodes a gap's event; nil when the format has none.
    func gap(_ event: GapEvent) -> ByteBuffer? {
        guard self.encoding.encoder.isEventStream else { return nil }
        if self.state == nil { self.state = try? self.encoding.begin() }
        guard let state else { return nil }
        var bytes = ByteBuffer()
        guard (try? state.append(event: "gap", data: event.seen(by: self.encoding).data, to: &bytes)) != nil else { return nil }
        return bytes
    }
}
