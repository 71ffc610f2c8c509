internal import Glibc
internal import PluginKit
internal import Synchronization

/// The journal's files, mapped once for all handles. Looks for files that come and go when the kernel says so (inotify(7)).
@safe
final class MappedJournal: Sendable {
    private struct State {
        var files: JournalFiles?
        /// Something among them only libsystemd can read.
        var isForeign = false
        /// Looking anew is due then, also when nobody says that something has changed: a file is being made, a directory is not there or
        /// cannot be watched.
        var next: ContinuousClock.Instant? = .now
    }

    private let place: JournalPlace
    private let host: Host
    private let memory = MappedMemory()
    private let state = Mutex(State())
    /// The kernel's queue of changes; negative when it gives none.
    private let queue: Int32

    private static let interval = Duration.milliseconds(100)
    private static let mask = UInt32(
        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR)

    init(_ place: JournalPlace, host: Host) {
        self.place = place
        self.host = host
        self.queue = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    }

    deinit {
        if self.queue >= 0 { close(self.queue) }
    }

    /// The files there are now; nil when libsystemd has to read them, or there are none.
    func current() -> JournalFiles? {
        self.state.withLock { state in
            if self.hasNews() || state.next.map({ ContinuousClock.now >= $0 }) == true { self.look(&state) }
            return state.isForeign ? nil : state.files
        }
    }

    func isCurrent(_ files: JournalFiles) -> Bool { self.current() === files }

    /// Gives all memory back: nobody reads.
    func release() { self.state.withLock { $0.files }?.release() }

    /// Takes note that reading these files has failed. Until others come or go libsystemd reads them, unless they have only grown.
    func distrust(_ files: JournalFiles) {
        self.state.withLock { state in
            guard state.files === files else { return }
            if files.files.contains(where: \.isOutgrown) {
                state.files = nil
                state.next = .now
            } else if !state.isForeign {
                state.isForeign = true
                self.host.log(
                    .warning, "A journal file is damaged: until files come or go libsystemd reads them, which is slower.")
            }
        }
    }

    /// Empties the queue. True when there was something in it.
    private func hasNews() -> Bool {
        guard self.queue >= 0 else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { buffer in
            var hasNews = false
            // What is left after so many is found the next time.
            for _ in 0..<256 {
                guard unsafe read(self.queue, buffer.baseAddress, buffer.count) > 0 else { break }
                hasNews = true
            }
            return hasNews
        }
    }

    private func look(_ state: inout State) {
        let known = Dictionary((state.files?.files ?? []).map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
        var found: [MappedFile] = []
        var identities: Set<MappedFile.Identity> = []
        var isSettled = true
        var isForeign = false
        for path in self.paths(isSettled: &isSettled) {
            var facts = stat()
            let identity = unsafe stat(path, &facts) == 0 ? MappedFile.Identity(facts) : nil
            if let identity, let file = known[identity], !file.isOutgrown {
                if identities.insert(identity).inserted { found.append(file) }
                continue
            }
            do throws(MappedFile.Failure) {
                let file = try MappedFile(path)
                if identities.insert(file.identity).inserted { found.append(file) }
            } catch {
                switch error {
                case .unreadable: if self.place.isFixed { isForeign = true }
                case .incomplete: if self.place.isFixed { isForeign = true } else { isSettled = false }
                case .foreign: isForeign = true
                }
            }
        }
        if found.map(ObjectIdentifier.init) != (state.files?.files ?? []).map(ObjectIdentifier.init) {
            state.files = found.isEmpty ? nil : JournalFiles(found, self.memory)
            state.isForeign = false
        }
        // What was distrusted stays so as long as it is the same.
        if isForeign, !state.isForeign {
            state.isForeign = true
            self.host.log(
                .notice, "There are journal files that only libsystemd can read: it reads all of them, which is slower.")
        }
        state.next = isSettled ? nil : .now + Self.interval
    }

    /// The paths of the files. Watches their directories before it looks into them, so that nothing comes unseen.
    private func paths(isSettled: inout Bool) -> [String] {
        if case .files(let paths) = self.place { return paths }
        for directory in self.place.roots where !self.watch(directory) { isSettled = false }
        let directories = self.place.directories
        for directory in directories.dropFirst(self.place.roots.count) where !self.watch(directory) { isSettled = false }
        return directories.flatMap(JournalPlace.files).sorted()
    }

    private func watch(_ directory: String) -> Bool {
        unsafe self.queue >= 0 && inotify_add_watch(self.queue, directory, Self.mask) >= 0
    }
}
