internal import PluginABI

/// Builds a batch of entries straight into the flat layout the host reads: bytes are copied once, nothing is allocated
/// per entry, and the memory is kept from batch to batch.
@safe
public struct BatchBuilder: ~Copyable {
    /// Blocks never move while a batch is built, so that fields can point into them.
    private var blocks: [UnsafeMutableRawBufferPointer] = unsafe []
    private var block = 0
    private var used = 0
    private var fields = UnsafeMutableBufferPointer<loghost_field>.allocate(capacity: 256)
    private var fieldCount = 0
    private var entries = UnsafeMutableBufferPointer<loghost_entry>.allocate(capacity: 32)
    /// How many entries are complete.
    public private(set) var entryCount = 0
    /// Bytes of names, values and cursors so far.
    public private(set) var byteCount = 0
    private var firstField = 0

    /// Most requests want a few entries: for those alone a large block would be mapped, touched and given back.
    private static let firstBlockSize = 16 << 10
    private static let blockSize = 256 << 10

    /// Makes an empty builder, as tests of a reader do.
    public init() {}

    deinit {
        unsafe self.blocks.forEach { unsafe $0.deallocate() }
        unsafe self.fields.deallocate()
        unsafe self.entries.deallocate()
    }

    /// Adds a field to the entry being built.
    public mutating func append(name: RawSpan, value: RawSpan) {
        let name = unsafe self.copy(name)
        let value = unsafe self.copy(value)
        unsafe self.appendField(name: name, value: value)
    }

    /// Adds a field that comes as `NAME=value`; without a `=` the whole is the name. A longer value is cut.
    public mutating func append(joined: RawSpan, maximumValueBytes: Int = .max) {
        let count = joined.byteCount
        let separator = unsafe joined.withUnsafeBytes { bytes -> Int in
            var index = 0
            while index < count, unsafe bytes[index] != UInt8(ascii: "=") { index &+= 1 }
            return index
        }
        let kept = separator < count ? min(count, separator + 1 + min(maximumValueBytes, count)) : count
        let copy = unsafe self.copy(joined.extracting(first: kept))
        let valueStart = min(separator + 1, kept)
        unsafe self.appendField(
            name: loghost_bytes(data: copy.data, size: separator),
            value: loghost_bytes(data: copy.data.map { unsafe $0 + valueStart }, size: kept - valueStart))
    }

    /// Completes the entry; it has the fields added since the last one. Times are microseconds, 0 = has none.
    public mutating func endEntry(
        cursor: RawSpan, realtimeMicroseconds: UInt64 = 0, monotonicMicroseconds: UInt64 = 0, flags: EntryFlags = []
    ) {
        let cursor = unsafe self.copy(cursor)
        if unsafe self.entryCount == self.entries.count { unsafe self.entries = grow(self.entries, count: self.entryCount) }
        // `finish` fills in `fields`, when it is known where they have come to lie.
        unsafe self.entries[self.entryCount] = loghost_entry(
            cursor: cursor, realtime_microseconds: realtimeMicroseconds, monotonic_microseconds: monotonicMicroseconds,
            fields: nil,
            field_count: UInt32(self.fieldCount - self.firstField), flags: flags.rawValue)
        self.entryCount += 1
        self.firstField = self.fieldCount
    }

    /// Forgets the fields added since the last complete entry.
    public mutating func abandonEntry() {
        self.fieldCount = self.firstField
    }

    /// Forgets all entries so far, and keeps their memory for others.
    public mutating func abandonEntries() {
        self.block = 0
        self.used = 0
        self.fieldCount = 0
        self.firstField = 0
        self.entryCount = 0
        self.byteCount = 0
    }

    /// Starts over, keeping the last block of memory unless it was made for a huge value.
    mutating func reset() {
        let last = unsafe self.blocks.popLast()
        unsafe self.blocks.forEach { unsafe $0.deallocate() }
        unsafe self.blocks = []
        if let last = unsafe last {
            if last.count > 4 * Self.blockSize { unsafe last.deallocate() } else { unsafe self.blocks.append(last) }
        }
        self.abandonEntries()
    }

    /// Gives the entries; they live until the next `reset`.
    mutating func finish() -> (UnsafePointer<loghost_entry>?, Int) {
        guard self.entryCount > 0, let base = unsafe self.fields.baseAddress else { return (nil, 0) }
        var first = 0
        for index in 0..<self.entryCount {
            unsafe self.entries[index].fields = UnsafePointer(base + first)
            first += unsafe Int(self.entries[index].field_count)
        }
        return unsafe (UnsafePointer(self.entries.baseAddress), self.entryCount)
    }

    private mutating func appendField(name: loghost_bytes, value: loghost_bytes) {
        if unsafe self.fieldCount == self.fields.count { unsafe self.fields = grow(self.fields, count: self.fieldCount) }
        unsafe self.fields[self.fieldCount] = loghost_field(name: name, value: value)
        self.fieldCount += 1
    }

    private mutating func copy(_ bytes: RawSpan) -> loghost_bytes {
        let count = bytes.byteCount
        guard count > 0 else { return unsafe loghost_bytes(data: nil, size: 0) }
        let target = unsafe self.allocate(count)
        unsafe bytes.withUnsafeBytes { source in
            unsafe target.copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: count)
        }
        self.byteCount += count
        return unsafe loghost_bytes(data: UnsafePointer(target.assumingMemoryBound(to: UInt8.self)), size: count)
    }

    private mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        while unsafe self.block < self.blocks.count {
            let current = unsafe self.blocks[self.block]
            if current.count - self.used >= count, let base = current.baseAddress {
                defer { self.used += count }
                return unsafe base + self.used
            }
            self.block += 1
            self.used = 0
        }
        let size = unsafe self.blocks.isEmpty ? Self.firstBlockSize : Self.blockSize
        let fresh = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, size), alignment: 16)
        unsafe self.blocks.append(fresh)
        self.used = count
        return unsafe fresh.baseAddress.unsafelyUnwrapped
    }
}

/// Doubles a buffer of C values.
private func grow<Element: BitwiseCopyable>(
    _ buffer: UnsafeMutableBufferPointer<Element>, count: Int
) -> UnsafeMutableBufferPointer<Element> {
    let larger = UnsafeMutableBufferPointer<Element>.allocate(capacity: buffer.count * 2)
    if let from = buffer.baseAddress { unsafe larger.baseAddress.unsafelyUnwrapped.initialize(from: from, count: count) }
    unsafe buffer.deallocate()
    return unsafe larger
}
