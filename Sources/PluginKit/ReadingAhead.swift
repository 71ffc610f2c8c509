internal import Dispatch
internal import Synchronization

/// One batch that is read on another thread before it is asked for. Whoever comes first reads it: that thread, or the host's when it wants
/// the batch before the other one has begun. So nobody ever waits for a thread, only for a read that is under way.
final class ReadingAhead: Sendable {
    /// Nil once somebody reads.
    private let reader: Mutex<BatchReader?>
    private let isDone = DispatchSemaphore(value: 0)

    /// How many batches may wait to be asked for, all readers together: each is memory that a slow client keeps.
    private static let capacity = 16
    private static let count = Atomic(0)
    private static let threads = (0..<4).map { DispatchQueue(label: "loghost-read-ahead-\($0)", qos: .userInitiated) }
    private static let next = Atomic(0)

    private init(_ reader: BatchReader) {
        self.reader = Mutex(reader)
    }

    deinit { Self.count.subtract(1, ordering: .relaxed) }

    /// Begins to read; nil when too many batches wait already.
    static func begin(_ reader: BatchReader) -> ReadingAhead? {
        guard Self.count.add(1, ordering: .relaxed).newValue <= Self.capacity else {
            Self.count.subtract(1, ordering: .relaxed)
            return nil
        }
        let reading = ReadingAhead(reader)
        let thread = Self.next.add(1, ordering: .relaxed).newValue % Self.threads.count
        Self.threads[thread].async {
            guard let reader = reading.take() else { return }
            reader.readAhead()
            reading.isDone.signal()
        }
        return reading
    }

    private func take() -> BatchReader? { self.reader.withLock { $0.take() } }

    /// True when it has been read, or is now; false when the caller has to read.
    func finish() -> Bool {
        if self.take() != nil { return false }
        self.isDone.wait()
        return true
    }
}
