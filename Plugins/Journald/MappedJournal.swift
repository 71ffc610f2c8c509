internal import Glibc
internal import PluginKit
internal import Synchronization

/// The journal's files, mapped once for all handles. Looks for files that come and go when the kernel says so (inotify(7)), and now and
/// then by itself.
@safe
final class MappedJournal: Sendable {
    private struct State {
        var files: JournalFiles?
        /// There is something that only libsystemd can read.
        var isForeign = false
        /// These were found to be damaged.
        var distrusted: JournalFiles?
        /// Files that are being made, and since when.
        var unfinished: [FileIdentity: ContinuousClock.Instant] = [:]
        /// When to look again, also when nobody says that something has changed.
        var next = ContinuousClock.now
        var hasWarned = false

        func isMaking(_ now: ContinuousClock.Instant) -> Bool {
            self.unfinished.values.contains { now - $0 < MappedJournal.making }
        }
    }

    private let place: JournalPlace
    private let host: Host
    private let memory = MappedMemory()
    private let state = Mutex(State())
    /// The kernel's queue of changes; negative when it gives none.
    private let queue: Int32

    /// A mount, a file system over the network: not all that changes is told.
    private static let settledInterval = Duration.seconds(5)
    /// A directory is not there or cannot be watched, or a file remains unfinished.
    private static let unsettledInterval = Duration.seconds(1)
    /// A file is being made, which takes journald a few milliseconds, in which it writes nothing else.
    private static let makingInterval = Duration.milliseconds(2)
    private static let making = Duration.milliseconds(100)
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
    func current() -> JournalFiles? { self.look().files }

    /// The same, when none is just being made: waits for that. journald writes nothing else meanwhile, and a file that remains unfinished is
    /// soon not waited for any more.
    func settled() -> JournalFiles? {
        for _ in 0..<100 {
            let (files, isMaking) = self.look()
            guard isMaking else { return files }
            usleep(1_000)
        }
        return self.current()
    }

    /// The files there are now, and whether another is just being made, for no longer than `making`.
    private func look() -> (files: JournalFiles?, isMaking: Bool) {
        self.state.withLock { state in
            let now = ContinuousClock.now
            if self.hasNews() || now >= state.next {
                // What is renamed while it looks may be in neither place it looks at.
                for _ in 0..<3 {
                    self.look(&state, now)
                    guard self.hasNews() else { break }
                    state.next = now
                }
            }
            let isReadable = !state.isForeign && state.distrusted !== state.files
            return (isReadable ? state.files : nil, state.isMaking(now))
        }
    }

    /// Gives all memory back: nobody reads.
    func release() { self.state.withLock { $0.files }?.release() }

    /// Takes note that reading these files has failed: libsystemd reads them until others come or go, unless they only are not those of
    /// today any more.
    func distrust(_ files: JournalFiles) {
        let isStale = files.isStale
        let isNew = self.state.withLock { state in
            if isStale { state.next = .now }
            guard !isStale, state.files === files, state.distrusted !== files else { return false }
            state.distrusted = files
            return true
        }
        if isNew {
            self.host.log(.warning, "A journal file is damaged: until files come or go libsystemd reads them, which is slower.")
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

    private func look(_ state: inout State, _ now: ContinuousClock.Instant) {
        let known = Dictionary((state.files?.files ?? []).map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
        var found: [MappedFile] = []
        var seen: Set<FileIdentity> = []
        var unfinished: [FileIdentity: ContinuousClock.Instant] = [:]
        var isWatched = true
        var lacksWatch = false
        var isForeign = false
        var isExhausted = false
        for path in self.paths(isWatched: &isWatched, lacksWatch: &lacksWatch) {
            var facts = stat()
            guard unsafe stat(path, &facts) == 0 else {
                if self.place.isFixed { isForeign = true }
                continue
            }
            let identity = FileIdentity(facts)
            guard seen.insert(identity).inserted else { continue }
            if let file = known[identity], !file.isStale(as: facts) {
                found.append(file)
                continue
            }
            do throws(MappedFile.Failure) {
                found.append(try MappedFile(path))
            } catch {
                switch error {
                case .unreadable: if self.place.isFixed { isForeign = true }
                case .incomplete: unfinished[identity] = state.unfinished[identity] ?? now
                case .exhausted: isExhausted = true
                case .foreign: isForeign = true
                }
            }
        }
        if isExhausted {
            // Better those there were than a part of those there are. libsystemd has the words for it.
            state.isForeign = state.files == nil
            state.next = now + Self.unsettledInterval
            return
        }
        if self.place.isFixed, !unfinished.isEmpty { isForeign = true }
        if Set(found.map(ObjectIdentifier.init)) != Set((state.files?.files ?? []).map(ObjectIdentifier.init)) {
            state.files = found.isEmpty ? nil : JournalFiles(found, self.memory)
            state.distrusted = nil
        }
        if isForeign, !state.isForeign {
            self.host.log(
                .notice, "There are journal files that only libsystemd can read: it reads all of them, which is slower.")
        }
        state.isForeign = isForeign
        state.unfinished = unfinished
        if lacksWatch, !state.hasWarned {
            state.hasWarned = true
            self.host.log(.warning, JournalPlace.notWatched)
        }
        state.next =
            now
            + (state.isMaking(now)
                ? Self.makingInterval : isWatched && unfinished.isEmpty ? Self.settledInterval : Self.unsettledInterval)
    }

    /// The paths of the files. Watches their directories before it looks into them, so that nothing comes unseen.
    private func paths(isWatched: inout Bool, lacksWatch: inout Bool) -> [String] {
        if case .files(let paths) = self.place { return paths }
        func watch(_ directory: String) {
            if unsafe self.queue >= 0 && inotify_add_watch(self.queue, directory, Self.mask) >= 0 { return }
            isWatched = false
            if unsafe access(directory, F_OK) == 0 { lacksWatch = true }
        }
        self.place.roots.forEach(watch)
        let directories = self.place.directories
        directories.dropFirst(self.place.roots.count).forEach(watch)
        return directories.flatMap(JournalPlace.files).sorted()
    }
}
