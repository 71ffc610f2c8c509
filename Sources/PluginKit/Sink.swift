internal import PluginABI

/// Where an encoder writes: straight into the host's buffer.
///
/// At the start of a call at least 4,096 bytes are free. An encoder that needs more than is free returns `.more` and is
/// called again, with the same entry and a fresh buffer.
@safe
public struct Sink: ~Copyable {
    @usableFromInline let start: UnsafeMutableRawPointer
    /// Bytes written in this call.
    public private(set) var count = 0
    @usableFromInline let capacity: Int

    init(_ start: UnsafeMutableRawPointer, capacity: Int) {
        unsafe self.start = unsafe start
        self.capacity = capacity
    }

    /// How many bytes still fit.
    public var free: Int { self.capacity - self.count }

    /// Writes a byte; traps when none fits.
    public mutating func append(_ byte: UInt8) {
        precondition(self.count < self.capacity)
        unsafe self.start.storeBytes(of: byte, toByteOffset: self.count, as: UInt8.self)
        self.count += 1
    }

    /// Writes bytes; traps when they do not fit.
    public mutating func append(_ bytes: RawSpan) {
        let size = bytes.byteCount
        precondition(size <= self.capacity - self.count)
        if size > 0 {
            unsafe bytes.withUnsafeBytes { source in
                unsafe (self.start + self.count).copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: size)
            }
        }
        self.count += size
    }

    /// Writes a literal; traps when it does not fit.
    public mutating func append(_ literal: StaticString) {
        let size = literal.utf8CodeUnitCount
        precondition(size <= self.capacity - self.count)
        unsafe (self.start + self.count).copyMemory(from: literal.utf8Start, byteCount: size)
        self.count += size
    }

    /// Writes a number in decimal; 20 bytes at the most, traps when they do not fit.
    public mutating func append(decimal number: UInt64) {
        precondition(self.capacity - self.count >= 20)
        var digits = 1
        var bound: UInt64 = 10
        while digits < 20, number >= bound {
            digits += 1
            bound = bound.multipliedReportingOverflow(by: 10).partialValue
        }
        var rest = number
        var place = self.count + digits
        repeat {
            place -= 1
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe self.start.storeBytes(of: UInt8(truncatingIfNeeded: remainder) | 0x30, toByteOffset: place, as: UInt8.self)
            rest = quotient
        } while rest > 0
        self.count += digits
    }

    /// Lends all free memory to a hot loop, which says how many bytes it has written.
    @unsafe
    public mutating func withUnsafeFreeBytes(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        let written = unsafe body(
            UnsafeMutableRawBufferPointer(start: self.start + self.count, count: self.capacity - self.count))
        precondition(written >= 0 && written <= self.capacity - self.count)
        self.count += written
    }
}
