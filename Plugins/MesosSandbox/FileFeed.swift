internal import PluginKit
internal import Synchronization

/// What a file gives, piece by piece: between the task that fetches it and the worker that reads it.
final class FileFeed: FileItems {
    /// The next thing there is.
    enum Item: Sendable {
        /// Bytes that follow on those before: from an index on, which stands at an offset of the file.
        case bytes([UInt8], from: Int, at: UInt64)
        /// From here on another file is read, from its beginning.
        case next
        /// Bytes are gone.
        case gap(Gap.Cause)
        /// All is read that there was when `seen` others had given something.
        case quiet(seen: UInt64)
        /// Nothing will ever come.
        case end
        case failure(any Error)
    }

    private struct State {
        var items: [Item] = []
        /// The first of them.
        var head = 0
        var byteCount = 0
        var isRunning = false
        /// The pump has stopped for want of room only.
        var hasMore = false
        /// The reader has found nothing, and waits to be woken.
        var isAwaited = false
        var isClosed = false
        /// The file has changed since it was last looked at.
        var hasNews = false
        var task: Task<Void, Never>?
    }

    /// Bytes that wait to be read; a fetch that is under way comes on top.
    private static let capacity = 512 << 10

    private let state = Mutex(State())
    private let pump: FilePump
    private let background: Background
    private let wake: Wake

    /// `first` is there already, before the pump has run.
    init(_ pump: FilePump, first: [Item] = [], background: Background, wake: Wake) {
        self.pump = pump
        self.state.withLock { state in
            state.items = first
            for case .bytes(let bytes, _, _) in first { state.byteCount += bytes.count }
        }
        self.background = background
        self.wake = wake
    }

    /// Takes the next item; nil when it has yet to be fetched. Sees to it that it is.
    func next() -> Item? {
        let (item, starts) = self.state.withLock { state -> (Item?, Bool) in
            guard state.head < state.items.count else {
                state.isAwaited = true
                return (nil, Self.mayStart(&state))
            }
            let item = state.items[state.head]
            state.head += 1
            if case .bytes(let bytes, _, _) = item { state.byteCount -= bytes.count }
            if state.head == state.items.count || state.head >= 64 {
                state.items.removeFirst(state.head)
                state.head = 0
            }
            // Before all is read, so that neither waits for the other.
            return (item, state.hasMore && state.byteCount <= Self.capacity / 2 && Self.mayStart(&state))
        }
        if starts { self.start() }
        return item
    }

    /// Fetches after a while, unless something has come meanwhile.
    func look(after delay: Duration) {
        guard self.state.withLock({ Self.mayStart(&$0) }) else { return }
        self.start(after: delay)
    }

    /// Notes that the file has changed, and wakes the reader.
    func noteChange() {
        let isFirst = self.state.withLock { state in
            defer { state.hasNews = true }
            return !state.hasNews && !state.isClosed
        }
        if isFirst { self.wake() }
    }

    /// True when a change was noted that no look has come after.
    var hasNews: Bool { self.state.withLock(\.hasNews) }

    /// Ends whatever is under way.
    func close() {
        let task = self.state.withLock { state in
            state.isClosed = true
            state.items = []
            state.head = 0
            return state.task.take()
        }
        task?.cancel()
    }

    private static func mayStart(_ state: inout State) -> Bool {
        if state.isRunning || state.isClosed { return false }
        state.isRunning = true
        state.hasMore = false
        state.hasNews = false
        return true
    }

    private func start(after delay: Duration? = nil) {
        let task = self.background.start {
            if let delay { try? await Task.sleep(for: delay) }
            let hasMore = await self.pump.run(into: self)
            let (isAwaited, starts) = self.state.withLock { state in
                state.isRunning = false
                state.task = nil
                state.hasMore = hasMore
                return (state.isAwaited, hasMore && state.byteCount <= Self.capacity / 2 && Self.mayStart(&state))
            }
            if starts { self.start() } else if isAwaited { self.wake() }
        }
        let isClosed = self.state.withLock { state in
            if state.isRunning { state.task = task }
            return state.isClosed
        }
        if isClosed { task.cancel() }
    }

    // What the pump calls.

    /// True while more should be fetched.
    var hasRoom: Bool { self.state.withLock { !$0.isClosed && $0.byteCount < Self.capacity } }

    func append(_ item: Item) {
        let isAwaited = self.state.withLock { state in
            if state.isClosed { return false }
            if case .bytes(let bytes, _, _) = item { state.byteCount += bytes.count }
            state.items.append(item)
            defer { state.isAwaited = false }
            return state.isAwaited
        }
        if isAwaited { self.wake() }
    }
}
