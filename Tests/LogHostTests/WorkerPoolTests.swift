import LogHost
import Testing

@Suite struct WorkerPoolTests {
    @Test func `what runs on the workers begins there, and goes on there after it has waited`() async throws {
        let (one, other) = (WorkerPool(threads: 2), WorkerPool(threads: 2))
        let begins = Shared<[Bool]>([])
        for _ in 0..<50 {
            try await one.run {
                begins.withLock { $0.append(one.isCurrent) }
                try await Task.sleep(for: .microseconds(10))
                begins.withLock { $0.append(one.isCurrent) }
                // From another pool's thread, and from its own.
                try await other.run { begins.withLock { $0.append(other.isCurrent && !one.isCurrent) } }
                try await one.run { begins.withLock { $0.append(one.isCurrent) } }
            }
            #expect(!one.isCurrent && !other.isCurrent)
        }
        #expect(begins.withLock { $0 } == Array(repeating: true, count: 200))
        await one.stop()
        await other.stop()
    }

    @Test func `a call runs on the workers`() async throws {
        let pool = WorkerPool(threads: 1)
        #expect(try await pool.call { pool.isCurrent })
        await pool.stop()
    }
}
