/// Free memory being filled: a position that moves towards an end.
@safe
struct Output {
    private let base: UnsafeMutableRawPointer
    private(set) var count = 0
    let capacity: Int

    init(_ memory: UnsafeMutableRawBufferPointer) {
        // The host never lends an empty buffer.
        unsafe self.base = unsafe memory.baseAddress.unsafelyUnwrapped
        self.capacity = memory.count
    }

    var free: Int { self.capacity - self.count }
    /// Where the next byte goes. Writing there is the caller's to justify with `free`.
    var next: UnsafeMutableRawPointer { unsafe self.base + self.count }

    /// Counts bytes that were written at `next`.
    mutating func advance(_ written: Int) {
        self.count &+= written
    }

    mutating func append(_ byte: UInt8) {
        precondition(self.free > 0)
        unsafe self.next.storeBytes(of: byte, as: UInt8.self)
        self.count &+= 1
    }

    mutating func append(_ literal: StaticString) {
        let size = literal.utf8CodeUnitCount
        precondition(size <= self.free)
        unsafe self.next.copyMemory(from: literal.utf8Start, byteCount: size)
        self.count &+= size
    }

    mutating func append(_ bytes: RawSpan) {
        let size = bytes.byteCount
        precondition(size <= self.free)
        if size > 0 {
            unsafe bytes.withUnsafeBytes { unsafe self.next.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: size) }
        }
        self.count &+= size
    }

    /// Writes a number in decimal.
    mutating func append(decimal number: UInt64) {
        precondition(self.free >= 20)
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits &+= 1
        }
        rest = number
        var place = digits
        repeat {
            place &-= 1
            let quotient = rest / 10
            unsafe self.next.storeBytes(
                of: UInt8(truncatingIfNeeded: rest &- quotient &* 10) | 0x30, toByteOffset: place, as: UInt8.self)
            rest = quotient
        } while rest > 0
        self.count &+= digits
    }
}
