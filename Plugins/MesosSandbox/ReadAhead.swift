/// Several reads of one file under way at once, given out in order.
final class ReadAhead {
    private let read: @Sendable (_ offset: UInt64, _ length: Int) async throws -> [UInt8]
    private let end: UInt64
    private let stride: Int
    private let count: Int
    private var asked: UInt64
    private var reads: [(length: Int, task: Task<[UInt8], any Error>)] = []

    /// Reads from one offset to another, at most `count` pieces at once.
    init(
        from start: UInt64, to end: UInt64, stride: Int, count: Int,
        read: @escaping @Sendable (_ offset: UInt64, _ length: Int) async throws -> [UInt8]
    ) {
        self.read = read
        self.asked = start
        self.end = end
        self.stride = stride
        self.count = count
    }

    /// The next piece, and how much of it was asked for; nil behind the last.
    func next() async throws -> (asked: Int, bytes: [UInt8])? {
        while self.reads.count < self.count, self.asked < self.end {
            let (read, offset, length) = (self.read, self.asked, self.stride)
            self.reads.append((length, Task { try await read(offset, length) }))
            self.asked += UInt64(length)
        }
        guard let first = self.reads.first else { return nil }
        self.reads.removeFirst()
        return try await withTaskCancellationHandler {
            (first.length, try await first.task.value)
        } onCancel: {
            first.task.cancel()
        }
    }

    deinit {
        for read in self.reads { read.task.cancel() }
    }
}
