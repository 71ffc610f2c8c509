import LogHost
import Synchronization
import Testing

@Suite struct DeadlinesTests {
    /// Says how late each of these was, in milliseconds, in the order in which they were due; nil for those that were not.
    private func lateness(of waits: [Int], takingBack: Set<Int> = []) async throws -> [Int?] {
        let deadlines = Deadlines()
        let ended = Shared<[Int: ContinuousClock.Instant]>([:])
        let begun = ContinuousClock.now
        var numbers: [UInt64] = []
        for (index, wait) in waits.enumerated() {
            numbers.append(deadlines.add(begun + .milliseconds(wait)) { ended.withLock { $0[index] = .now } })
        }
        for index in takingBack { deadlines.remove(numbers[index]) }
        let expected = waits.count - takingBack.count
        _ = await eventually { ended.withLock { $0.count } >= expected }
        return ended.withLock { ended in
            waits.indices.map { index in
                ended[index].map { Int(($0 - begun - .milliseconds(waits[index])) / .milliseconds(1)) }
            }
        }
    }

    @Test(arguments: [[0, 10, 40, 90], [90, 40, 10, 0], [40, 0, 90, 10], [-1_000, 30, 30, 30]])
    func `what is due happens, and not before`(waits: [Int]) async throws {
        let late = try await self.lateness(of: waits)
        #expect(late.allSatisfy { $0.map { $0 >= 0 } ?? false }, "\(late)")
    }

    @Test func `what is taken back does not happen, and the rest does`() async throws {
        // The first one's sleeper serves the others.
        let late = try await self.lateness(of: [20, 30, 40, 50], takingBack: [0, 2])
        #expect(late.map { $0 == nil } == [true, false, true, false], "\(late)")
    }

    @Test func `one that is due before all others is not late because of them`() async throws {
        let deadlines = Deadlines()
        let far = deadlines.add(.now + .seconds(3_600)) { Issue.record("an hour early") }
        let count = Shared(0)
        for round in 1...3 {
            _ = deadlines.add(.now + .milliseconds(5)) { count.withLock { $0 += 1 } }
            #expect(await eventually { count.withLock { $0 } >= round })
            #expect(count.withLock { $0 } == round)
        }
        deadlines.remove(far)
    }

    @Test func `an action may add another and take itself back`() async throws {
        let deadlines = Deadlines()
        let number = Shared<UInt64>(0)
        let isDone = Shared(false)
        number.withLock {
            $0 = deadlines.add(.now + .milliseconds(1)) {
                deadlines.remove(number.withLock { $0 })
                _ = deadlines.add(.now) { isDone.withLock { $0 = true } }
            }
        }
        #expect(await eventually { isDone.withLock { $0 } })
    }

    @Test func `nobody keeps a sleeper alive, and it keeps nobody`() async throws {
        weak var gone: Deadlines?
        do {
            let deadlines = Deadlines()
            _ = deadlines.add(.now + .seconds(3_600)) {}
            gone = deadlines
        }
        #expect(gone == nil)
    }
}
