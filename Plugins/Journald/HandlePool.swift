internal import PluginKit
internal import Synchronization

/// Gives handles: of the mapped files where those can be read, else of libsystemd. These it keeps for the next request: opening one costs
/// more than reading its last entries.
final class HandlePool: Sendable {
    // A handle in the pool is used by nobody; taking it out makes the taker its only user.
    private struct Idle: @unchecked Sendable {
        var handles: [LibsystemdHandle] = []
        /// The files that were readable when a handle was last opened.
        var files: Set<FileIdentity> = []
        /// Counts the changes of `files`.
        var generation = 0
        var open = 0
        var hasWarned = false
    }

    /// Idle handles kept.
    private static let capacity = 16
    /// Field bytes after which a handle is not kept: its mappings count as this process's memory.
    private static let worn = 4 << 20

    let place: JournalPlace
    /// Nil when libsystemd is to read everything.
    private let mapped: MappedJournal?
    private let idle = Mutex(Idle())
    private let opened: Metric
    private let host: Host

    init(place: JournalPlace, reader: JournalConfiguration.Reader, host: Host) {
        self.place = place
        self.mapped = reader == .mapped ? MappedJournal(place, host: host) : nil
        self.host = host
        self.opened = host.metric(.counter, "journal_opens_total")
    }

    /// Field bytes after which a reader exchanges its handle. What libsystemd has mapped, about three times the field bytes, counts as
    /// this process's memory: all readers share one budget, and below 1 MiB exchanging would cost more than reading.
    var renewal: Int { max(1 << 20, 8 << 20 / max(1, self.idle.withLock { $0.open - $0.handles.count })) }

    /// Gives a handle that knows all present files and has no filter; nil when there are no journal files at all.
    func take() throws -> (any JournalHandle)? {
        if let mapped, let files = mapped.current() { return MappedHandle(files, of: mapped) }
        return try self.takeLibsystemd()
    }

    /// True when the files there are now are read where they are mapped.
    var isMapped: Bool { self.mapped?.current() != nil }

    /// The same, of libsystemd whatever the files are.
    func takeLibsystemd() throws -> LibsystemdHandle? {
        while let handle = self.idle.withLock({ $0.handles.popLast() }) {
            if (try? self.isOutdated(handle)) == false { return handle }
            self.discard(handle)
        }
        let before = self.place.readableFiles()
        guard let journal = unsafe try self.place.open() else { return nil }
        let after = self.place.readableFiles()
        let generation = self.idle.withLock { idle in
            if after != idle.files {
                idle.files = after
                idle.generation += 1
            }
            // What was completed meanwhile this handle may have or not: it is outdated from the start.
            return before == after ? idle.generation : idle.generation - 1
        }
        let handle = unsafe LibsystemdHandle(journal, generation: generation)
        let isFirstLack = self.idle.withLock { idle in
            idle.open += 1
            defer { idle.hasWarned = idle.hasWarned || handle.lacksWatch }
            return handle.lacksWatch && !idle.hasWarned
        }
        if isFirstLack { self.host.log(.warning, JournalPlace.notWatched) }
        self.opened.record(1)
        do {
            if try !handle.hasEntries { try self.place.checkPermission() }
        } catch {
            self.discard(handle)
            throw error
        }
        return handle
    }

    /// True when there are files that a handle does not know, or others than it knows.
    ///
    /// libsystemd passes over a file that is being made, and looks at it again only when journald gives notice; a handle that was opened
    /// later knows it. What one reader has seen, no other may miss.
    func isOutdated(_ handle: any JournalHandle) throws -> Bool {
        if try handle.isOutdated { return true }
        guard let handle = handle as? LibsystemdHandle else { return false }
        // What only libsystemd could read has gone.
        if self.isMapped { return true }
        return self.idle.withLock { $0.generation != handle.generation }
    }

    /// True when no file is kept from this process, so that every entry of a sequence is seen.
    var seesEverything: Bool { self.place.seesEverything }

    /// Takes a handle back.
    func give(_ handle: any JournalHandle) {
        guard let handle = handle as? LibsystemdHandle else { return }
        guard !self.isMapped, handle.saveMemory(Self.worn), (try? handle.setFilter(Filter())) != nil else {
            return self.discard(handle)
        }
        let kept = self.idle.withLock { idle in
            guard idle.handles.count < Self.capacity else { return false }
            idle.handles.append(handle)
            return true
        }
        if !kept { self.discard(handle) }
    }

    /// Counts a handle as closed; it closes when its user lets go of it.
    func discard(_ handle: any JournalHandle) {
        if handle is LibsystemdHandle { self.idle.withLock { $0.open -= 1 } }
    }

    /// Lends a handle, and another one when the first has met damage: of other files, or of libsystemd.
    func attempt<Result>(_ body: ((any JournalHandle)?) throws -> Result) throws -> Result {
        for _ in 0..<4 {
            let handle = try self.take()
            do {
                return try body(handle)
            } catch is JournalDamage {
                if let handle { self.distrust(handle) }
            }
        }
        throw PluginError(.unavailable, "The journal changes too fast to be read.", retryable: true)
    }

    /// Gives a handle up when something but damage is thrown.
    func keeping<Result>(_ handle: any JournalHandle, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            if !(error is JournalDamage) { self.discard(handle) }
            throw error
        }
    }

    /// Gives up a handle that has met damage.
    func distrust(_ handle: any JournalHandle) {
        if let handle = handle as? MappedHandle { self.mapped?.distrust(handle.files) }
        self.discard(handle)
    }

    /// Gives back the memory that reading has taken.
    func releaseMemory() { self.mapped?.release() }

    /// Closes what is idle.
    func drain() {
        self.idle.withLock { idle in
            idle.open -= idle.handles.count
            idle.handles = []
        }
    }
}
