internal import NIOCore
internal import PluginABI

/// One answer's way from a source's batches to encoded bytes: read, judge, encode, chunk by chunk.
// Used by one task at a time, always on worker threads: the answer awaits each filling before it begins the next.
@safe
final class LogStream: @unchecked Sendable {
    /// Why a filling ended.
    enum Outcome: Sendable, Equatable {
        /// The chunk is full, or as full as it is worth waiting for: there is more.
        case more
        /// Nothing found yet, still searching.
        case searching
        /// More when the source wakes us.
        case pending
        /// Nothing newer now; look again on wake or after this long (0 = only on wake).
        case caughtUp(recheckMicroseconds: UInt64)
        /// Nothing newer ever.
        case end
        /// The limit is reached.
        case limit
        /// The source failed or lost entries, and this format cannot say so: the answer must not end cleanly.
        case fault
    }

    private static let rangeCapacity = 256 << 10
    /// Most answers are small; see `BatchBuilder`.
    private static let firstCapacity = 32 << 10
    /// Follows are many, and a slow one keeps its chunk for long.
    private static let followCapacity = 64 << 10
    /// Bytes bound a batch, unless entries are as short as lines of files are.
    private static let batchEntries: UInt64 = 4096
    /// How long one filling goes on without anything to show.
    private static let fillingTime = TimeAmount.milliseconds(100)
    /// Sent as soon as this much is there, even when the source has more: the socket can work meanwhile.
    private let chunkCapacity: Int
    private let reader: ReaderHandle
    private let encoder: EncoderState
    private let encoding: Encoding
    private let limits: loghost_read_limits
    private var remainder: Remainder
    /// Counts down whoever applies the limit, so that a follow can tell the limit from the end.
    private(set) var limitLeft: UInt64
    private var entries: UnsafePointer<loghost_entry>?
    private var entryCount = 0
    private var index = 0
    private(set) var entriesGiven: UInt64 = 0
    /// Behind the last entry passed, when the batch is used up.
    private(set) var place: Place
    /// Entries that another reader has given.
    private(set) var given: Set<[UInt8]>
    /// Cursors of the entries given, while a follow joins its tail.
    private var remembered: Set<[UInt8]>?
    /// True when there was a gap since `beginJoin`.
    private(set) var metGap = false
    /// Called with the cause of each gap.
    private let onGap: @Sendable (String) -> Void
    /// Called with how many entries a filling has brought.
    private let onEntries: @Sendable (Int) -> Void
    private(set) var failure: PluginFailure?
    /// True while an entry is half written: it was judged already.
    private var isInsideEntry = false
    /// True between two pieces of a value.
    private(set) var isInsideValue = false
    /// True in the middle of an entry: nothing else may be written there.
    var isInside: Bool { self.isInsideEntry || self.isInsideValue }

    init(
        _ opened: OpenedReader, query: LogQuery, encoding: Encoding, encoder: EncoderState,
        leavingOut given: Set<[UInt8]>, onGap: @escaping @Sendable (String) -> Void,
        onEntries: @escaping @Sendable (Int) -> Void
    ) {
        self.reader = opened.reader
        self.onGap = onGap
        self.onEntries = onEntries
        self.given = given
        self.chunkCapacity = query.follow ? Self.followCapacity : Self.rangeCapacity
        self.place =
            switch (query.start, query.skip) {
            case (.head, 0): .head
            case (.cursor(let cursor), 0): .cursor(cursor)
            // There is nothing to step back over: whatever comes, comes first.
            case (.tail, ..<0) where opened.skipped == 0 && opened.applied & UInt32(LOGHOST_APPLIED_SKIP) != 0: .head
            default: .origin
            }
        self.encoder = encoder
        self.encoding = encoding
        self.remainder = Remainder(query, applied: opened.applied)
        self.limitLeft = query.limit == 0 ? .max : query.limit
        self.limits = loghost_read_limits(
            size: UInt32(MemoryLayout<loghost_read_limits>.size),
            // Of what the host chooses among, many are read for one that is given.
            max_entries: UInt32(
                clamping: query.limit > 0 && self.remainder.isEmpty ? min(query.limit, Self.batchEntries) : Self.batchEntries),
            max_bytes: 256 << 10,
            max_microseconds: 100_000, max_value_bytes: UInt64(encoding.maximumValueBytes))
    }

    /// Closes the reader. On a worker.
    func close() {
        self.reader.close()
    }

    /// The reader, when it can be given up here: a new one opened at `place` goes on with the next entry. Reading on is still possible.
    func rest() -> ReaderHandle? {
        if self.isInside || self.remainder.isSkipping { return nil }
        if let entries = unsafe self.entries, self.index > 0, self.index <= self.entryCount {
            unsafe self.rememberPlace(entries + (self.index - 1))
        }
        return self.place == .origin ? nil : self.reader
    }

    /// Begins to remember the cursors of entries given.
    func beginJoin() {
        self.remembered = []
        self.metGap = false
    }

    /// Gives what was remembered, and remembers no more.
    func endJoin() -> Set<[UInt8]> { self.remembered.take() ?? [] }

    /// The end of the log is reached: a skip stops there, and what was given before lies behind.
    func reachEnd() {
        self.remainder.endSkip()
        self.given = []
    }

    /// Appends the next bytes to a buffer.
    func fill(_ buffer: inout ByteBuffer) -> Outcome {
        let (before, start) = (self.entriesGiven, buffer.writerIndex)
        var outcome = self.fill(&buffer, capacity: before == 0 ? Self.firstCapacity : self.chunkCapacity)
        // Full, and not at rest: there are entries at hand.
        if before == 0, outcome == .more, self.index < self.entryCount {
            outcome = self.fill(&buffer, capacity: self.chunkCapacity - Self.firstCapacity)
        }
        if outcome == .more, buffer.writerIndex == start, self.index < self.entryCount {
            outcome = self.fail(.noProgress)
        }
        if self.entriesGiven != before { self.onEntries(Int(self.entriesGiven &- before)) }
        return outcome
    }

    private func fill(_ buffer: inout ByteBuffer, capacity: Int) -> Outcome {
        var outcome = Outcome.more
        unsafe Chunk.fill(&buffer, capacity: capacity) { chunk, sink in outcome = unsafe self.fill(chunk, sink) }
        return outcome
    }

    /// How many entries are remembered for the join.
    var rememberedCount: Int { self.remembered?.count ?? 0 }

    /// Appends a named event.
    func append(event name: String, data: String, to buffer: inout ByteBuffer) throws {
        try self.encoder.append(event: name, data: data, to: &buffer)
    }

    /// Appends what closes a complete answer.
    func finish(_ buffer: inout ByteBuffer) throws {
        try self.encoder.finish(&buffer)
    }

    var keepAlive: [UInt8] { self.encoder.keepAlive }

    private func fill(_ chunk: UnsafeMutablePointer<Chunk>, _ sink: UnsafePointer<loghost_sink>) -> Outcome {
        let start = NIODeadline.now()
        while true {
            if let outcome = unsafe self.encodeBatch(chunk, sink) { return outcome }
            if self.limitLeft == 0 { return .limit }
            // What is read is sent before anything that could take long.
            if unsafe chunk.pointee.used > self.chunkCapacity / 2 { return .more }
            // A gap or a failure is told in the same chunk.
            if unsafe chunk.pointee.free < sinkMinimum { return .more }
            // Whole batches may be left out: now and then whoever waits is to look at the time and at the client.
            if .now() - start > Self.fillingTime { return unsafe chunk.pointee.used > 0 ? .more : .searching }
            switch self.reader.read(self.limits) {
            case .batch(let batch):
                unsafe self.entries = batch.baseAddress
                self.entryCount = batch.count
                self.index = 0
                if self.entryCount == 0 { return unsafe chunk.pointee.used > 0 ? .more : .searching }
            case .pending:
                return .pending
            case .caughtUp(let recheckMicroseconds):
                return .caughtUp(recheckMicroseconds: recheckMicroseconds)
            case .end:
                return .end
            case .gap(let gap):
                let gap = gap.seen(by: self.encoding)
                self.metGap = true
                self.isInsideValue = false
                self.onGap(gap.cause)
                if gap.isTruncation {
                    self.place = .head
                    self.given = []
                }
                guard unsafe self.encode(gap, sink) else { return .fault }
            case .failed(let failure):
                self.failure = failure
                if self.encoding.encoder.isEventStream {
                    unsafe try? self.encoder.event(name: "fault", data: failure.problem.data, id: "", sink)
                }
                return .fault
            }
        }
    }

    /// Encodes what is left of the batch; nil when it is used up.
    private func encodeBatch(_ chunk: UnsafeMutablePointer<Chunk>, _ sink: UnsafePointer<loghost_sink>) -> Outcome? {
        guard let entries = unsafe self.entries, self.index < self.entryCount else { return nil }
        let start = NIODeadline.now()
        defer { self.encoding.encoder.recordEncoding(since: start) }
        var error = PluginFailure.fresh()
        while self.index < self.entryCount {
            let entry = unsafe entries + self.index
            // Room for whatever an encoder may need at the start of a call.
            if unsafe chunk.pointee.free < sinkMinimum { return .more }
            if !self.given.isEmpty, unsafe self.given.remove(entry.pointee.givenKey) != nil {
                self.index += 1
                continue
            }
            if !self.isInsideEntry, !self.remainder.isEmpty {
                switch unsafe self.remainder.judge(entry) {
                case .give: break
                case .leaveOut:
                    self.index += 1
                    continue
                case .end:
                    if self.index > 0 { unsafe self.rememberPlace(entry - 1) }
                    self.entryCount = 0
                    return .end
                }
            }
            switch unsafe self.encoder.encode(entry, sink, &error) {
            case LOGHOST_ENCODE_DONE:
                self.isInsideEntry = false
                self.index += 1
                self.isInsideValue = unsafe Int(entry.pointee.flags) & LOGHOST_ENTRY_CONTINUES != 0
                if !self.isInsideValue, self.remembered != nil { unsafe self.remembered?.insert(entry.pointee.givenKey) }
                if !self.isInsideValue, unsafe !entry.pointee.isNewline {
                    self.entriesGiven &+= 1
                    if self.limitLeft != .max { self.limitLeft &-= 1 }
                    if self.limitLeft == 0 {
                        unsafe self.rememberPlace(entry)
                        self.entryCount = 0
                        return .limit
                    }
                }
            case LOGHOST_ENCODE_MORE:
                self.isInsideEntry = true
                return .more
            default:
                return self.fail(PluginFailure(error))
            }
        }
        unsafe self.rememberPlace(entries + (self.entryCount - 1))
        self.entryCount = 0
        return nil
    }

    /// The encoder has failed.
    private func fail(_ failure: PluginFailure) -> Outcome {
        self.encoding.encoder.countFailure(failure)
        self.failure = failure
        return .fault
    }

    private func rememberPlace(_ entry: UnsafePointer<loghost_entry>) {
        let cursor = unsafe entry.pointee.cursor
        if unsafe cursor.size > 0 { self.place = unsafe .cursor(cursor.array) }
    }

    /// Says in its place that entries are missing; false when this format cannot.
    private func encode(_ gap: GapEvent, _ sink: UnsafePointer<loghost_sink>) -> Bool {
        guard self.encoding.encoder.isEventStream else {
            self.failure = .missingEntries
            return false
        }
        return unsafe (try? self.encoder.event(name: "gap", data: gap.data, id: "", sink)) != nil
    }
}

/// LOGHOST_SINK_MINIMUM: what is free whenever an encoder is called.
let sinkMinimum = Int(LOGHOST_SINK_MINIMUM)

/// What an entry is known by among those that were given: the newline of a line given without it has that line's cursor.
func givenKey(_ cursor: [UInt8], isNewline: Bool) -> [UInt8] { isNewline ? cursor + [0x0A] : cursor }

extension loghost_entry {
    var isNewline: Bool { unsafe Int(self.flags) & LOGHOST_ENTRY_NEWLINE != 0 }

    fileprivate var givenKey: [UInt8] { unsafe LogHost.givenKey(self.cursor.array, isNewline: self.isNewline) }
}
