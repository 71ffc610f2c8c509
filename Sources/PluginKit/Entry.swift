public import PluginABI

/// What is special about an entry.
public struct EntryFlags: OptionSet, Sendable {
    /// The bits of the ABI.
    public let rawValue: UInt32
    /// Takes the bits of the ABI.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The last line of a file that does not end in a newline.
    public static let noNewline = EntryFlags(rawValue: 1 << 0)
    /// The value of the last field goes on in the next entry.
    public static let continues = EntryFlags(rawValue: 1 << 1)
    /// The value of the last field continues that of the entry before.
    public static let continued = EntryFlags(rawValue: 1 << 2)
    /// No entry: the newline of one that was given with `.noNewline`. Formats that are not made of lines write nothing.
    public static let newline = EntryFlags(rawValue: 1 << 3)
}

/// One entry, read in place in the source's memory.
@safe
public struct Entry: ~Escapable {
    @usableFromInline let entry: UnsafePointer<loghost_entry>

    @usableFromInline
    @_lifetime(borrow entry)
    init(_ entry: UnsafePointer<loghost_entry>) {
        unsafe self.entry = unsafe entry
    }

    /// The canonical cursor.
    public var cursor: RawSpan {
        @_lifetime(copy self)
        @inlinable get { unsafe self.span(self.entry.pointee.cursor) }
    }

    /// Microseconds since the epoch; 0 = has none.
    @inlinable public var realtimeMicroseconds: UInt64 { unsafe self.entry.pointee.realtime_microseconds }
    /// Microseconds since the boot; 0 = has none.
    @inlinable public var monotonicMicroseconds: UInt64 { unsafe self.entry.pointee.monotonic_microseconds }
    /// What is special about it.
    @inlinable public var flags: EntryFlags { unsafe EntryFlags(rawValue: self.entry.pointee.flags) }
    /// How many fields there are, repeated names counted each time.
    @inlinable public var fieldCount: Int { unsafe Int(self.entry.pointee.field_count) }

    /// A field's name.
    @_lifetime(copy self)
    @inlinable public func name(_ index: Int) -> RawSpan {
        precondition(index >= 0 && index < self.fieldCount)
        return unsafe self.span(self.entry.pointee.fields[index].name)
    }

    /// A field's value.
    @_lifetime(copy self)
    @inlinable public func value(_ index: Int) -> RawSpan {
        precondition(index >= 0 && index < self.fieldCount)
        return unsafe self.span(self.entry.pointee.fields[index].value)
    }

    @_lifetime(copy self)
    @usableFromInline @inline(__always)
    func span(_ bytes: loghost_bytes) -> RawSpan {
        let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: bytes.data, count: bytes.size))
        return unsafe _overrideLifetime(span, copying: self)
    }
}
