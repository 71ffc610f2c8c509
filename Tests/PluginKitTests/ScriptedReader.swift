import Glibc
import PluginKit
import Synchronization
internal import TestSupport

/// What a reader is to say: entries (1, 2, …), failures (1,000 and more) and gaps (below 0), some of it only later.
final class Script: Sendable {
    struct Failure: Error {
        var number: Int
    }

    private struct State {
        var next = 0
        var visible = 0
        var calls = 0
        var running = 0
        var hasOverlapped = false
        var threads: Set<UInt> = []
    }

    let all: [Int]
    private let state = Mutex(State())

    init(of count: Int) { self.all = Array(1...count) }

    init(_ random: inout SeededInputs) {
        var all: [Int] = []
        for number in 1...(1 + Int(random.next() % 300)) {
            switch random.next() % 64 {
            case 0: all.append(-number)
            case 1: all.append(1_000 + number)
            default: all.append(number)
            }
        }
        self.all = all
        self.reveal(Int(random.next() % 200))
    }

    var calls: Int { self.state.withLock { $0.calls } }
    var hasOverlapped: Bool { self.state.withLock { $0.hasOverlapped } }
    var threads: Int { self.state.withLock { $0.threads.count } }

    /// Makes all of it visible, or so much.
    func reveal(_ count: Int = .max) {
        self.state.withLock { $0.visible = min(self.all.count, max($0.visible, count)) }
    }

    func begin() {
        self.state.withLock { state in
            state.calls += 1
            state.running += 1
            if state.running > 1 { state.hasOverlapped = true }
            state.threads.insert(UInt(pthread_self()))
        }
    }

    func end() { self.state.withLock { $0.running -= 1 } }

    /// The next thing, if it is visible, and whether it is to be taken.
    func next(_ takes: (Int) -> Bool) -> Int? {
        self.state.withLock { state in
            guard state.next < state.visible, takes(self.all[state.next]) else { return nil }
            state.next += 1
            return self.all[state.next - 1]
        }
    }

    var isAtEnd: Bool { self.state.withLock { $0.next == self.all.count } }
}

/// Says what a script says, and reads ahead.
final class ScriptedReader: LogReader {
    private let script: Script

    init(_ script: Script) { self.script = script }

    var readsAhead: Bool { true }

    func read(into batch: inout BatchBuilder, limits: ReadLimits) throws -> ReadOutcome {
        self.script.begin()
        defer { self.script.end() }
        while batch.entryCount < limits.entries, batch.byteCount < limits.bytes {
            guard let number = self.script.next({ (1..<1_000).contains($0) }) else { break }
            let value = [UInt8](repeating: UInt8(number % 251), count: 60)
            unsafe batch.append(name: Array("N".utf8).span.bytes, value: value.span.bytes)
            unsafe batch.endEntry(cursor: Array("\(number)".utf8).span.bytes)
        }
        if batch.entryCount > 0 { return .batch }
        switch self.script.next({ _ in true }) {
        case let number? where number < 0: return .gap(Gap(cause: .rotation, from: [], to: [], count: UInt64(-number)))
        case let number?: throw Script.Failure(number: number)
        case nil: return self.script.isAtEnd ? .end : .caughtUp(recheckAfter: nil)
        }
    }
}
