// What the tests of a plugin need to call their own readers and encoders as the host does, without a host.

extension BatchBuilder {
    /// Calls `body` with each complete entry, in order, and starts over.
    public mutating func drain(_ body: (borrowing Entry) throws -> Void) rethrows {
        let (entries, count) = unsafe self.finish()
        defer { self.reset() }
        for index in 0..<count {
            guard let entry = unsafe entries.map({ unsafe $0 + index }) else { return }
            try body(unsafe Entry(entry))
        }
    }
}

extension Sink {
    /// Lends a sink of this capacity; returns the bytes written to it, and what `body` returned.
    public static func collect<Result>(capacity: Int, _ body: (inout Sink) throws -> Result) rethrows -> (
        bytes: [UInt8], result: Result
    ) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(capacity, 1), alignment: 16)
        defer { unsafe memory.deallocate() }
        var sink = unsafe Sink(memory.baseAddress.unsafelyUnwrapped, capacity: capacity)
        let result = try body(&sink)
        let bytes = unsafe Array(memory[..<sink.count])
        return (bytes, result)
    }
}
