/// Several reads of one file under way at once, given out in order.
final class ReadAhead {
    private let files: any SandboxFiles
    private let path: String
    private let end: UInt64
    private let stride: Int
    private let count: Int
    private var asked: UInt64
    private var reads: [(length: Int, task: Task<[UInt8], any Error>)] = []

    /// Reads from one offset to another, at most `count` pieces at once.
    init(_ files: any SandboxFiles, path: String, from start: UInt64, to end: UInt64, stride: Int, count: Int) {
        self.files = files
        self.path = path
        self.asked = start
        self.end = end
        self.stride = stride
        self.count = count
    }

    /// The next piece, and how much of it was asked for; nil behind the last.
    func next() async throws -> (asked: Int, bytes: [UInt8])? {
        while self.reads.count < self.count, self.asked < self.end {
            let (files, path, offset, length) = (self.files, self.path, self.asked, self.stride)
            self.reads.append((length, Task { try await files.read(path, at: offset, length: length) }))
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
