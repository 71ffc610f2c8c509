internal import Dispatch
internal import Synchronization

/// What waits to be written, within a bound, on a queue of its own: whoever has something to say does not wait for who takes it.
final class Backlog<Content: RangeReplaceableCollection & Sendable>: Sendable {
    private struct State {
        var waiting = Content()
        var size = 0
        var isDue = false
    }

    /// Bytes that wait while nobody takes them.
    private static var capacity: Int { 1 << 20 }
    /// What comes within so many milliseconds is written together: under load a call for each would cost more than making it.
    private static var delay: Int { 5 }

    private let queue: DispatchQueue
    private let write: @Sendable (Content) -> Void
    private let state = Mutex(State())

    /// `write` is called on the queue with all that waits.
    init(label: String, write: @escaping @Sendable (Content) -> Void) {
        self.queue = DispatchQueue(label: label)
        self.write = write
    }

    /// Takes what has so many bytes; false when there is no room for it.
    func append(_ more: Content, size: Int) -> Bool {
        let (isTaken, begins) = self.state.withLock { state in
            guard state.size + size <= Self.capacity else { return (false, false) }
            state.waiting += more
            state.size += size
            defer { state.isDue = true }
            return (true, !state.isDue)
        }
        if begins { self.queue.asyncAfter(deadline: .now() + .milliseconds(Self.delay)) { self.drain() } }
        return isTaken
    }

    /// Waits until everything is written, at most so long.
    func flush(within limit: Duration) {
        let written = DispatchSemaphore(value: 0)
        self.queue.async {
            self.drain()
            written.signal()
        }
        _ = written.wait(timeout: .now() + .milliseconds(Int(limit / .milliseconds(1))))
    }

    private func drain() {
        let waiting = self.state.withLock { state in
            defer { state = State() }
            return state.waiting
        }
        self.write(waiting)
    }
}
