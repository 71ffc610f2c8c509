internal import Glibc
internal import PluginKit
internal import Synchronization

/// Tells when files in directories change, as the kernel says it (inotify(7)).
final class DirectoryChanges: Sendable {
    private struct Listener {
        var name: [UInt8]
        var onChange: @Sendable () -> Void
    }

    private struct State {
        /// By the kernel's number of the directory's watch.
        var listeners: [Int32: [UInt64: Listener]] = [:]
        var next: UInt64 = 0
    }

    private let queue: OpenFile
    private let state = Mutex(State())
    private let watch: Mutex<ReadinessWatch?> = Mutex(nil)

    private static let mask = UInt32(IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

    /// Hears nothing before `start`.
    init() throws {
        let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard number >= 0 else { throw PluginError(.unavailable, "local: the kernel gives no inotify instance") }
        self.queue = OpenFile(number)
    }

    func start(_ host: Host) throws {
        let watch = try host.watch(self.queue.number) { [weak self] in self?.deliver() }
        self.watch.withLock { $0 = watch }
    }

    func stop() {
        self.watch.withLock { $0.take() }?.end()
    }

    /// Calls a function whenever a file of this name is written, comes or goes, as long as the result lives. Nil when the kernel watches no
    /// more directories. Blocks.
    func watch(_ name: String, in directory: OpenFile, onChange: @escaping @Sendable () -> Void) -> FileWatch? {
        self.state.withLock { state in
            let number = unsafe inotify_add_watch(self.queue.number, "/proc/self/fd/\(directory.number)", Self.mask)
            guard number >= 0 else { return nil }
            let id = state.next
            state.next += 1
            state.listeners[number, default: [:]][id] = Listener(name: Array(name.utf8), onChange: onChange)
            return FileWatch(self, number, id)
        }
    }

    fileprivate func end(_ number: Int32, _ id: UInt64) {
        self.state.withLock { state in
            state.listeners[number]?[id] = nil
            guard state.listeners[number]?.isEmpty == true else { return }
            state.listeners[number] = nil
            // Fails when the directory is gone, and its watch with it.
            _ = inotify_rm_watch(self.queue.number, number)
        }
    }

    /// Reads what has happened, and tells who wants to know it.
    private func deliver() {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(self.queue.number, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        var calls: [UInt64: @Sendable () -> Void] = [:]
        self.state.withLock { state in
            var position = 0
            while position + MemoryLayout<inotify_event>.size <= count {
                let event = unsafe buffer.withUnsafeBytes {
                    unsafe $0.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
                }
                position += MemoryLayout<inotify_event>.size
                let name = buffer[position..<min(position + Int(event.len), count)].prefix { $0 != 0 }
                position += Int(event.len)
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
                    // Nobody knows what has happened.
                    for (id, listener) in state.listeners.values.joined() { calls[id] = listener.onChange }
                    break
                }
                for (id, listener) in state.listeners[event.wd] ?? [:] where name.isEmpty || listener.name.elementsEqual(name) {
                    calls[id] = listener.onChange
                }
            }
        }
        for call in calls.values { call() }
    }
}

/// A file that somebody wants to hear about.
final class FileWatch: Sendable {
    private let changes: DirectoryChanges
    private let number: Int32
    private let id: UInt64

    fileprivate init(_ changes: DirectoryChanges, _ number: Int32, _ id: UInt64) {
        self.changes = changes
        self.number = number
        self.id = id
    }

    deinit { self.changes.end(self.number, self.id) }
}
