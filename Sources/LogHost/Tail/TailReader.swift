internal import NIOCore
internal import PluginABI

/// Reads a topic for all its followers: every entry is matched against each distinct filter once, and encoded once for each encoding.
// Used by the tail's task alone, on worker threads.
@safe
package final class TailReader: @unchecked Sendable {
    package enum Look: Sendable {
        case more
        /// Nothing newer: look again on a wake, or after so many microseconds (0 = only on a wake).
        case wait(microseconds: UInt64)
        case over
        /// The source failed; the tail is over.
        case failed(PluginFailure)
    }

    /// An entry in pieces of which the last has not come.
    private struct Assembly {
        /// Feeds it passes, and the encodings they need.
        var feeds: [Int]
        /// False for an encoding that has failed.
        var encodings: [Int: Bool]
        var time: UInt64
    }

    private let tail: Tail
    private let reader: ReaderHandle
    private let limits: loghost_read_limits
    /// Called with the cause of each gap.
    private let onGap: @Sendable (String) -> Void
    private var feeds: [Feed] = []
    /// The encoding of each feed.
    private var encodingOfFeed: [Int] = []
    private var encodings: [TailEncoding] = []
    /// Feeds without a filter.
    private var unfiltered: [Int] = []
    private var index = FilterIndex()
    private var filterNumbers: [LogFilter: Int] = [:]
    private var encodingNumbers: [Encoding: Int] = [:]
    /// Feeds by the number of their filter.
    private var feedsOfFilter: [[Int]] = []
    /// Entries of the run for each feed with a filter.
    private var members: [[Int]] = []
    private var assembly: Assembly?

    package init(
        _ tail: Tail, reader: ReaderHandle, maximumValueBytes: Int, maximumBytes: Int = 256 << 10,
        onGap: @escaping @Sendable (String) -> Void
    ) {
        self.tail = tail
        self.reader = reader
        self.onGap = onGap
        self.limits = loghost_read_limits(
            size: UInt32(MemoryLayout<loghost_read_limits>.size), max_entries: 256, max_bytes: UInt64(maximumBytes),
            max_microseconds: 50_000, max_value_bytes: UInt64(maximumValueBytes))
    }

    /// Reads once and gives out what there is.
    package func look() -> Look {
        guard let number = self.tail.beginRead() else { return .over }
        switch self.reader.read(self.limits) {
        case .batch(let entries):
            unsafe self.give(entries)
            return .more
        case .pending:
            return .wait(microseconds: 0)
        case .caughtUp(let recheckMicroseconds):
            self.tail.caughtUp(number)
            return .wait(microseconds: recheckMicroseconds)
        case .gap(let gap):
            self.give(gap)
            return .more
        case .end:
            self.giveUpAssembly()
            self.tail.end(.end)
            return .over
        case .failed(let failure):
            self.giveUpAssembly()
            self.tail.end(.failed)
            return .failed(failure)
        }
    }

    /// Closes the reader.
    package func close() {
        self.reader.close()
    }

    // MARK: Entries

    private func give(_ entries: UnsafeBufferPointer<loghost_entry>) {
        var start = 0
        while start < entries.count {
            // Whoever registered before this read returned is here now; whoever comes later reads these entries itself.
            if self.assembly == nil { self.refresh() }
            var end = start
            while end < entries.count, unsafe entries[end].isWhole, self.assembly == nil { end += 1 }
            if end > start {
                unsafe self.give(whole: UnsafeBufferPointer(rebasing: entries[start..<end]))
                start = end
            } else {
                unsafe self.give(piece: entries.baseAddress.unsafelyUnwrapped + start)
                start += 1
            }
        }
    }

    private func give(whole entries: UnsafeBufferPointer<loghost_entry>) {
        var read = ReadEntries()
        for entry in 0..<entries.count {
            unsafe read.append(
                cursor: entries[entry].cursor.buffer, time: entries[entry].realtime_microseconds,
                isNewline: entries[entry].isNewline)
        }
        for feed in self.feeds.indices { self.members[feed].removeAll(keepingCapacity: true) }
        for entry in 0..<entries.count {
            unsafe self.index.forEachPassed(by: entries.baseAddress.unsafelyUnwrapped + entry) { filter in
                for feed in self.feedsOfFilter[filter] { self.members[feed].append(entry) }
            }
        }
        for number in self.encodings.indices { unsafe self.encode(entries, number) }
        self.publish(read, count: entries.count)
    }

    /// Encodes the entries that some feed of an encoding passes on.
    private func encode(_ entries: UnsafeBufferPointer<loghost_entry>, _ number: Int) {
        let encoding = self.encodings[number]
        let start = NIODeadline.now()
        defer { encoding.recordTime(since: start) }
        encoding.begin()
        var isNeeded = Array(repeating: self.unfiltered.contains { self.isEncoded($0, as: number) }, count: entries.count)
        for feed in self.feeds.indices where self.isEncoded(feed, as: number) {
            for entry in self.members[feed] { isNeeded[entry] = true }
        }
        for entry in 0..<entries.count {
            if isNeeded[entry] {
                unsafe encoding.encode(entries.baseAddress.unsafelyUnwrapped + entry)
            } else {
                encoding.skip()
            }
        }
    }

    private func isEncoded(_ feed: Int, as encoding: Int) -> Bool {
        self.encodingOfFeed[feed] == encoding && !self.feeds[feed].isGone
    }

    /// Makes each feed's blocks of the entries that are encoded now.
    private func publish(_ read: ReadEntries, count: Int) {
        var additions: [(feed: Feed, block: Block)] = []
        let all = Array(0..<count)
        var shared: [SharedBytes?] = self.encodings.map { _ in nil }
        for (number, feed) in self.feeds.enumerated() where !feed.isGone {
            let members = feed.key.filter.clauses.isEmpty ? all : self.members[number]
            if members.isEmpty { continue }
            let encodingNumber = self.encodingOfFeed[number]
            let encoding = self.encodings[encodingNumber]
            var start = 0
            while start < members.count {
                let end = members[start...].firstIndex { encoding.spans[$0] == nil } ?? members.count
                if end > start {
                    let bytes = shared[encodingNumber] ?? SharedBytes(encoding, read)
                    shared[encodingNumber] = bytes
                    additions.append((feed, .entries(bytes.block(Array(members[start..<end]), read))))
                }
                if end < members.count { additions.append((feed, .elsewhere)) }
                start = end + 1
            }
        }
        let cursor = Array(read.cursor(count - 1))
        self.tail.publish(additions, place: cursor.isEmpty ? nil : .cursor(cursor)) { Array(read.cursor(0)) }
    }

    // MARK: Pieces

    /// Takes in the next piece of an entry; the last one gives it out.
    private func give(piece entry: UnsafePointer<loghost_entry>) {
        var assembly = unsafe self.assembly ?? self.begin(entry)
        for (number, isWhole) in assembly.encodings where isWhole {
            assembly.encodings[number] = unsafe self.encodings[number].append(entry, from: 0)
        }
        if assembly.time == 0 { assembly.time = unsafe entry.pointee.realtime_microseconds }
        self.assembly = assembly
        if unsafe entry.pointee.flags & UInt32(LOGHOST_ENTRY_CONTINUES) != 0 { return }
        self.assembly = nil
        for feed in self.feeds.indices { self.members[feed].removeAll(keepingCapacity: true) }
        for feed in assembly.feeds { self.members[feed] = [0] }
        for (number, isWhole) in assembly.encodings { self.encodings[number].endPieces(isWhole: isWhole) }
        var read = ReadEntries()
        unsafe read.append(cursor: entry.pointee.cursor.buffer, time: assembly.time, isNewline: entry.pointee.isNewline)
        self.publish(read, count: 1)
    }

    private func begin(_ entry: UnsafePointer<loghost_entry>) -> Assembly {
        var feeds = self.unfiltered
        unsafe self.index.forEachPassed(by: entry) { feeds += self.feedsOfFilter[$0] }
        var encodings: [Int: Bool] = [:]
        for feed in feeds { encodings[self.encodingOfFeed[feed]] = true }
        for number in encodings.keys { self.encodings[number].begin() }
        return Assembly(feeds: feeds, encodings: encodings, time: 0)
    }

    /// An entry whose end will not come: what there is of it, followers read for themselves.
    private func giveUpAssembly() {
        guard let assembly = self.assembly.take() else { return }
        for number in assembly.encodings.keys { self.encodings[number].giveUp(from: 0) }
        self.tail.publish(assembly.feeds.map { (self.feeds[$0], .elsewhere) })
    }

    // MARK: Gaps

    private func give(_ gap: GapEvent) {
        self.giveUpAssembly()
        self.refresh()
        self.onGap(gap.cause)
        let blocks = self.encodings.map { GapBlock(gap, bytes: $0.gap(gap)) }
        let additions = self.feeds.enumerated().map { ($0.element, Block.gap(blocks[self.encodingOfFeed[$0.offset]])) }
        self.tail.publish(additions, gap: gap)
    }

    // MARK: Feeds

    /// Takes note of feeds that have come, and sometimes of those that have gone.
    private func refresh() {
        let (feeds, isAll) = self.tail.changedFeeds()
        if isAll { self.forgetFeeds() }
        for feed in feeds { self.add(feed) }
    }

    private func forgetFeeds() {
        self.feeds = []
        self.members = []
        self.unfiltered = []
        self.encodingOfFeed = []
        self.encodings = []
        self.encodingNumbers = [:]
        self.feedsOfFilter = []
        self.filterNumbers = [:]
        self.index = FilterIndex()
    }

    private func add(_ feed: Feed) {
        let number = self.feeds.count
        self.feeds.append(feed)
        self.members.append([])
        let key = feed.key.encoding
        if let encoding = self.encodingNumbers[key] {
            self.encodingOfFeed.append(encoding)
        } else {
            self.encodingNumbers[key] = self.encodings.count
            self.encodingOfFeed.append(self.encodings.count)
            self.encodings.append(TailEncoding(key))
        }
        if feed.key.filter.clauses.isEmpty {
            self.unfiltered.append(number)
        } else if let filter = self.filterNumbers[feed.key.filter] {
            self.feedsOfFilter[filter].append(number)
        } else {
            self.filterNumbers[feed.key.filter] = self.index.add(feed.key.filter)
            self.feedsOfFilter.append([number])
        }
    }
}

/// The bytes of a run in one encoding, from which feeds take theirs.
private struct SharedBytes {
    private let bytes: ByteBuffer
    private let spans: [Range<Int>?]
    private let storage: BlockStorage

    init(_ encoding: TailEncoding, _ read: ReadEntries) {
        // As much memory as there are bytes: what the encoder wrote into is used again.
        var bytes = ByteBufferAllocator().buffer(capacity: encoding.bytes.readableBytes)
        bytes.writeImmutableBuffer(encoding.bytes)
        self.bytes = bytes
        self.spans = encoding.spans
        self.storage = BlockStorage(byteCount: bytes.storageCapacity + read.byteCount)
    }

    /// Makes a block of some entries: a part of the shared bytes, or a copy where that would keep much more than it needs.
    func block(_ members: [Int], _ read: ReadEntries) -> EntryBlock {
        var spans: [Range<Int>] = []
        var ends: [Int] = []
        var count = 0
        for member in members {
            let span = self.spans[member] ?? 0..<0
            if spans.last?.upperBound == span.lowerBound {
                spans[spans.count - 1] = spans[spans.count - 1].lowerBound..<span.upperBound
            } else {
                spans.append(span)
            }
            count += span.count
            ends.append(count)
        }
        let places = members.count == self.spans.count ? nil : members
        if spans.count == 1, 2 * count >= self.bytes.readableBytes,
            let slice = self.bytes.getSlice(at: spans[0].lowerBound, length: count)
        {
            return EntryBlock(bytes: slice, ends: ends, members: places, batch: read, storage: self.storage)
        }
        var copy = ByteBufferAllocator().buffer(capacity: count)
        for span in spans {
            if let slice = self.bytes.getSlice(at: span.lowerBound, length: span.count) { copy.writeImmutableBuffer(slice) }
        }
        let storage = BlockStorage(byteCount: copy.storageCapacity + read.byteCount)
        return EntryBlock(bytes: copy, ends: ends, members: places, batch: read, storage: storage)
    }
}

extension loghost_entry {
    fileprivate var isWhole: Bool {
        unsafe Int(self.flags) & (LOGHOST_ENTRY_CONTINUES | LOGHOST_ENTRY_CONTINUED) == 0
    }
}
