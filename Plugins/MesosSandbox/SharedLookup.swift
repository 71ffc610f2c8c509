internal import PluginKit
internal import Synchronization

/// Remembers answers for a moment; for each question one request is under way at most, and belongs to nobody who waits for it.
///
/// A key holds the token the question is asked with: what one caller may see another may not.
final class SharedLookup<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Entry {
        case asking(Task<Result<Value, any Error>, Never>)
        case answered(Value, until: ContinuousClock.Instant)
    }

    private let lifetime: Duration
    private let capacity: Int
    private let background: Background
    private let ask: @Sendable (Key) async throws -> Value
    private let entries = Mutex<[Key: Entry]>([:])
    /// True while a task forgets what counts no more: states of clusters are large, and keys hold tokens.
    private let isSweeping = Mutex(false)

    /// An answer counts from the moment of the question. A failure is told to who waits for it, and not remembered.
    init(
        lifetime: Duration, capacity: Int = 1_024, background: Background, ask: @escaping @Sendable (Key) async throws -> Value
    ) {
        self.lifetime = lifetime
        self.capacity = capacity
        self.background = background
        self.ask = ask
    }

    /// Tells what is known without asking.
    func known(_ key: Key) -> Value? {
        self.entries.withLock { entries in
            guard case .answered(let value, let until) = entries[key], ContinuousClock.now < until else { return nil }
            return value
        }
    }

    /// Answers from memory, or joins the request under way, or makes one.
    func callAsFunction(_ key: Key) async throws -> Value {
        if let value = self.known(key) { return value }
        let task = self.entries.withLock { entries in
            if case .asking(let task) = entries[key] { return task }
            self.makeRoom(&entries)
            let task = self.background.start { await self.answer(key) }
            entries[key] = .asking(task)
            return task
        }
        return try await task.value.get()
    }

    /// Asks anew, whatever is remembered, and whoever is asking already: what was asked before this call may be answered as it was before.
    func fresh(_ key: Key) async throws -> Value {
        let now = ContinuousClock.now
        let earlier = self.entries.withLock { entries -> Task<Result<Value, any Error>, Never>? in
            if case .asking(let task) = entries[key] { return task }
            entries[key] = nil
            return nil
        }
        if let earlier {
            _ = await earlier.value
            self.entries.withLock { entries in
                if case .answered(_, let until) = entries[key], until < now + self.lifetime { entries[key] = nil }
            }
        }
        return try await self(key)
    }

    private func answer(_ key: Key) async -> Result<Value, any Error> {
        let until = ContinuousClock.now + self.lifetime
        do {
            let value = try await self.ask(key)
            self.entries.withLock { $0[key] = .answered(value, until: until) }
            self.beginSweeping()
            return .success(value)
        } catch {
            self.entries.withLock { $0[key] = nil }
            return .failure(error)
        }
    }

    private func beginSweeping() {
        let begins = self.isSweeping.withLock { isSweeping in
            defer { isSweeping = true }
            return !isSweeping
        }
        guard begins else { return }
        self.background.start {
            repeat { try? await Task.sleep(for: self.lifetime) } while self.sweep() && !Task.isCancelled
        }
    }

    /// Forgets what counts no more; false when nothing is left.
    private func sweep() -> Bool {
        // Whoever puts something in meanwhile asks afterwards whether this goes on.
        self.isSweeping.withLock { isSweeping in
            isSweeping = self.entries.withLock { entries in
                Self.forget(&entries)
                return !entries.isEmpty
            }
            return isSweeping
        }
    }

    private static func forget(_ entries: inout [Key: Entry]) {
        let now = ContinuousClock.now
        entries = entries.filter { entry in
            if case .answered(_, let until) = entry.value { now < until } else { true }
        }
    }

    private func makeRoom(_ entries: inout [Key: Entry]) {
        guard entries.count >= self.capacity else { return }
        Self.forget(&entries)
        let excess = entries.count - self.capacity * 7 / 8
        guard excess > 0 else { return }
        let answered = entries.filter { if case .answered = $0.value { true } else { false } }
        for key in answered.keys.prefix(excess) { entries[key] = nil }
    }
}
