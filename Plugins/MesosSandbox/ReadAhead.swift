/// Several reads of one file under way at once, given out in order.
final class ReadAhead {
    private let read: @Sendable (_ offset: UInt64, _ length: Int) async throws -> [UInt8]
    private let end: UInt64
    private let stride: Int
    private let overlap: Int
    private let count: Int
    private var asked: UInt64
    /// How many bytes before `asked` are known by the time its piece is given out.
    private var known: Int
    private var reads: [(overlap: Int, task: Task<[UInt8], any Error>)] = []

    /// Reads from one offset to another, at most `count` pieces at once. Each begins with up to `overlap` bytes of what is before it, as
    /// far as that is `known`: they tell whether it is the same file still.
    init(
        from start: UInt64, known: Int, to end: UInt64, stride: Int, overlap: Int, count: Int,
        read: @escaping @Sendable (_ offset: UInt64, _ length: Int) async throws -> [UInt8]
    ) {
        self.read = read
        self.asked = start
        self.known = known
        self.end = end
        self.stride = stride
        self.overlap = overlap
        self.count = count
    }

    /// The next piece, and how many bytes of it lie before its place; nil behind the last.
    func next() async throws -> (overlap: Int, bytes: [UInt8])? {
        while self.reads.count < self.count, self.asked < self.end {
            let overlap = min(self.overlap, self.known)
            let (read, offset, length) = (self.read, self.asked - UInt64(overlap), self.stride)
            self.reads.append((overlap, Task { try await read(offset, length) }))
            self.asked += UInt64(length - overlap)
            self.known += length - overlap
        }
        guard let first = self.reads.first else { return nil }
        self.reads.removeFirst()
        return try await withTaskCancellationHandler {
            (first.overlap, try await first.task.value)
        } onCancel: {
            first.task.cancel()
        }
    }

    deinit {
        for read in self.reads { read.task.cancel() }
    }
}
