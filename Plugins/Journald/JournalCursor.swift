internal import PluginKit

/// What names an entry and orders it among others; as text a journal cursor, `s=…;i=…;b=…;m=…;t=…;x=…`.
struct JournalCursor: Equatable {
    /// Who gave the number.
    var sequence: ID128
    var number: UInt64
    var boot: ID128
    var monotonic: UInt64
    var realtime: UInt64
    var hash: UInt64

    init(sequence: ID128, number: UInt64, boot: ID128, monotonic: UInt64, realtime: UInt64, hash: UInt64) {
        self.sequence = sequence
        self.number = number
        self.boot = boot
        self.monotonic = monotonic
        self.realtime = realtime
        self.hash = hash
    }

    /// In libsystemd's order: by number where one writer gave both, by the boot's clock where both are of one boot, else by the time of
    /// day. -1, 0 or 1.
    @inline(__always)
    func compared(to other: JournalCursor) -> Int {
        if self.sequence == other.sequence, self.number != other.number { return self.number < other.number ? -1 : 1 }
        if self.boot == other.boot, self.monotonic != other.monotonic { return self.monotonic < other.monotonic ? -1 : 1 }
        if self.realtime != other.realtime { return self.realtime < other.realtime ? -1 : 1 }
        if self.hash != other.hash { return self.hash < other.hash ? -1 : 1 }
        return 0
    }

    // MARK: Text

    /// Reads a cursor; throws `.malformedCursor` for anything that is none.
    init(_ bytes: [UInt8]) throws {
        let malformed = PluginError(.malformedCursor, "The cursor is malformed: it must be one that an entry carried.")
        let parts = bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        // Longer than libsystemd ever writes one: a number of any length would count as well-formed otherwise.
        guard parts.count == 6, bytes.count <= 256 else { throw malformed }
        func value(_ index: Int, _ key: UInt8) throws -> Substring {
            let part = parts[index]
            guard part.count > 2, part.first == key, part[part.startIndex + 1] == UInt8(ascii: "=") else { throw malformed }
            return String(decoding: part.dropFirst(2), as: UTF8.self)[...]
        }
        func number(_ index: Int, _ key: UInt8) throws -> UInt64 {
            let text = try value(index, key)
            guard text.utf8.count <= 16, text.utf8.allSatisfy(isHexDigit), let number = UInt64(text, radix: 16) else {
                throw malformed
            }
            return number
        }
        func id(_ index: Int, _ key: UInt8) throws -> ID128 {
            guard let id = ID128(try value(index, key)) else { throw malformed }
            return id
        }
        self.sequence = try id(0, UInt8(ascii: "s"))
        self.number = try number(1, UInt8(ascii: "i"))
        self.boot = try id(2, UInt8(ascii: "b"))
        self.monotonic = try number(3, UInt8(ascii: "m"))
        self.realtime = try number(4, UInt8(ascii: "t"))
        self.hash = try number(5, UInt8(ascii: "x"))
    }

    /// The one spelling libsystemd writes.
    var canonical: String {
        String(decoding: self.bytes, as: UTF8.self)
    }

    /// The same as bytes.
    var bytes: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.capacity) { buffer, count in
            count = unsafe self.write(to: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// No cursor is longer as text.
    static let capacity = 160

    /// Writes the text, for which there must be room for `capacity` bytes. Returns its length.
    func write(to target: UnsafeMutableRawBufferPointer) -> Int {
        var length = 0
        func put(_ byte: UInt8) {
            unsafe target[length] = byte
            length += 1
        }
        func digit(_ value: UInt64) -> UInt8 {
            let value = UInt8(truncatingIfNeeded: value & 0xF)
            return value < 10 ? 0x30 + value : 0x57 + value
        }
        func key(_ name: UInt8) {
            if length > 0 { put(UInt8(ascii: ";")) }
            put(name)
            put(UInt8(ascii: "="))
        }
        func number(_ name: UInt8, _ value: UInt64) {
            key(name)
            var shift = max(0, 60 - value.leadingZeroBitCount & ~3)
            while shift >= 0 {
                put(digit(value >> UInt64(shift)))
                shift -= 4
            }
        }
        func id(_ name: UInt8, _ id: ID128) {
            key(name)
            for word in [id.first.byteSwapped, id.last.byteSwapped] {
                for shift in stride(from: UInt64(60), through: 0, by: -4) { put(digit(word >> shift)) }
            }
        }
        id(UInt8(ascii: "s"), self.sequence)
        number(UInt8(ascii: "i"), self.number)
        id(UInt8(ascii: "b"), self.boot)
        number(UInt8(ascii: "m"), self.monotonic)
        number(UInt8(ascii: "t"), self.realtime)
        number(UInt8(ascii: "x"), self.hash)
        return length
    }
}

func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
}
