package import Logging
internal import Synchronization

/// The level from which on records are written, for all loggers of the process at once; it may change at any time.
package final class LogThreshold: Sendable {
    package static let shared = LogThreshold()

    private static let levels = Logger.Level.allCases
    private let index = Atomic(0)

    package init(_ level: Logger.Level = .info) {
        self.level = level
    }

    package var level: Logger.Level {
        get { Self.levels[self.index.load(ordering: .relaxed)] }
        set { self.index.store(Self.levels.firstIndex(of: newValue) ?? 0, ordering: .relaxed) }
    }

    /// Moves by so many levels, as far as there are any: forward less is written, backward more. Returns the level it is then.
    package func move(by steps: Int) -> Logger.Level {
        let index = min(max(self.index.load(ordering: .relaxed) + steps, 0), Self.levels.count - 1)
        self.index.store(index, ordering: .relaxed)
        return Self.levels[index]
    }
}
