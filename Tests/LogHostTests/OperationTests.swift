import LogHost
import Synchronization
import Testing

@Suite struct OperationTests {
    private struct Failure: Error, Equatable {
        var number = 1
    }

    @Test func `a result that is there before anybody waits is found`() async throws {
        let operation = Operation<Int>()
        #expect(operation.complete(.success(1)))
        #expect(try await operation.value() == 1)
    }

    @Test func `a result that comes later ends the wait`() async throws {
        let operation = Operation<Int>()
        async let value = operation.value()
        try await Task.sleep(for: .milliseconds(20))
        #expect(operation.complete(.success(2)))
        #expect(try await value == 2)
    }

    @Test func `a failure is thrown`() async {
        let early = Operation<Int>()
        #expect(early.complete(.failure(Failure(number: 3))))
        await #expect(throws: Failure(number: 3)) { try await early.value() }
        let late = Operation<Int>()
        let task = Task { try await late.value() }
        await Task.yield()
        #expect(late.complete(.failure(Failure(number: 4))))
        await #expect(throws: Failure(number: 4)) { try await task.value }
    }

    @Test func `only the first completion counts`() async throws {
        let operation = Operation<Int>()
        #expect(operation.complete(.success(1)))
        #expect(!operation.complete(.success(2)))
        #expect(!operation.complete(.failure(Failure())))
        #expect(try await operation.value() == 1)
        #expect(!operation.complete(.success(3)))
    }

    @Test func `of many completions at once one counts, and the waiting task gets it`() async throws {
        for _ in 0..<200 {
            let operation = Operation<Int>()
            let winners = Shared<[Int]>([])
            let value = try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask { if operation.complete(.success(number)) { winners.withLock { $0.append(number) } } }
                }
                let value = try await operation.value()
                try await group.waitForAll()
                return value
            }
            #expect(winners.withLock { $0 } == [value])
        }
    }
}

@Suite struct OperationTableTests {
    private struct Failure: Error {}

    @Test func `a call may be completed within itself`() async throws {
        let table = OperationTable<Int>()
        let value = try await table.perform { id in
            #expect(table.complete(id, .success(7)))
        } cancel: { _ in
            Issue.record("cancelled")
        }
        #expect(value == 7)
    }

    @Test func `a call may be completed later, and by its number`() async throws {
        let table = OperationTable<Int>()
        let numbers = try await withThrowingTaskGroup(of: (UInt64, Int).self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let number = Shared<UInt64>(0)
                    let value = try await table.perform { id in
                        number.withLock { $0 = id }
                        Task {
                            try await Task.sleep(for: .milliseconds(Int(id % 5)))
                            #expect(table.complete(id, .success(Int(id))))
                        }
                    } cancel: { _ in
                        Issue.record("cancelled")
                    }
                    return (number.withLock { $0 }, value)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(numbers.allSatisfy { $0.0 == UInt64($0.1) })
        #expect(Set(numbers.map(\.1)).count == 20)
    }

    @Test func `operations of different kinds never have the same number`() async throws {
        let one = OperationTable<Int>()
        let other = OperationTable<String>()
        var numbers: Set<UInt64> = [0]
        for _ in 0..<10 {
            _ = try await one.perform { id in
                #expect(numbers.insert(id).inserted)
                // A completion with it finds nothing where it is not from.
                #expect(!other.complete(id, .success("")))
                #expect(one.complete(id, .success(1)))
            } cancel: { _ in
            }
            _ = try await other.perform { id in
                #expect(numbers.insert(id).inserted)
                #expect(other.complete(id, .success("")))
            } cancel: { _ in
            }
        }
    }

    @Test func `a failure is thrown`() async {
        let table = OperationTable<Int>()
        await #expect(throws: Failure.self) {
            try await table.perform { id in
                _ = table.complete(id, .failure(Failure()))
            } cancel: { _ in
            }
        }
    }

    @Test func `a second completion, and one for nobody, are late`() async throws {
        let table = OperationTable<Int>()
        #expect(!table.complete(1, .success(0)))
        let value = try await table.perform { id in
            #expect(table.complete(id, .success(1)))
            #expect(!table.complete(id, .success(2)))
            #expect(!table.complete(id + 1, .success(3)))
        } cancel: { _ in
        }
        #expect(value == 1)
        for id in 0...5 as ClosedRange<UInt64> { #expect(!table.complete(id, .success(4))) }
    }

    @Test func `a cancelled call is given up once, and its completion is late`() async throws {
        let table = OperationTable<Int>()
        let cancelled = Shared<[UInt64]>([])
        let begun = Shared<UInt64?>(nil)
        let task = Task {
            try await table.perform { id in
                begun.withLock { $0 = id }
            } cancel: { id in
                cancelled.withLock { $0.append(id) }
            }
        }
        while begun.withLock({ $0 }) == nil { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let id = try #require(begun.withLock { $0 })
        #expect(cancelled.withLock { $0 } == [id])
        #expect(!table.complete(id, .success(1)))
    }

    @Test func `a task cancelled before it calls gives the call up too`() async {
        let table = OperationTable<Int>()
        let calls = Shared<[String]>([])
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await table.perform { _ in
                calls.withLock { $0.append("begin") }
            } cancel: { _ in
                calls.withLock { $0.append("cancel") }
            }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(calls.withLock { $0 } == ["begin", "cancel"])
    }

    @Test func `a completed call is not cancelled any more`() async throws {
        let table = OperationTable<Int>()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await table.perform { id in
                _ = table.complete(id, .success(5))
            } cancel: { _ in
                Issue.record("cancelled")
            }
        }
        task.cancel()
        #expect(try await task.value == 5)
    }

    @Test func `a cancel that is answered within itself is late`() async {
        let table = OperationTable<Int>()
        let answers = Shared<[Bool]>([])
        let task = Task {
            try await table.perform { _ in
            } cancel: { id in
                let taken = table.complete(id, .success(1))
                answers.withLock { $0.append(taken) }
            }
        }
        try? await Task.sleep(for: .milliseconds(10))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(answers.withLock { $0 } == [false])
    }

    @Test func `completion and cancellation at the same moment: exactly one wins`() async {
        let table = OperationTable<Int>()
        var completed = 0
        for _ in 0..<500 {
            let id = Shared<UInt64?>(nil)
            let cancelled = Shared(false)
            let task = Task {
                try await table.perform { number in
                    id.withLock { $0 = number }
                } cancel: { _ in
                    cancelled.withLock { $0 = true }
                }
            }
            let taken = Task {
                while true {
                    if let number = id.withLock({ $0 }) { return table.complete(number, .success(1)) }
                    await Task.yield()
                }
            }
            task.cancel()
            let result = await task.result
            let wasTaken = await taken.value
            switch result {
            case .success:
                #expect(wasTaken && !cancelled.withLock { $0 })
                completed += 1
            case .failure: #expect(!wasTaken && cancelled.withLock { $0 })
            }
        }
        _ = completed
    }
}

/// What a test and its tasks share.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) {
        self.value = Mutex(value)
    }

    func withLock<Result: Sendable>(_ body: (inout sending Value) -> sending Result) -> Result {
        self.value.withLock(body)
    }
}
