internal import PluginKit
internal import Synchronization

/// Keeps the keys that verify tokens: fetches them at the start and until there are some, again now and then, and when a signature
/// does not verify. What has once been good stays until something better comes.
final class KeyStore: Sendable {
    /// One set of keys, told apart from those before and after it.
    struct Edition: Sendable {
        let keys: KeySet
        let number: Int
    }

    private struct State {
        var edition: Edition?
        var fetch: Task<Bool, Never>?
        var forced: ContinuousClock.Instant?
        /// True when looking again finds nothing else.
        var isFixed = false
    }

    /// Bad tokens make the IAM be asked at most once in this time.
    static let pause = Duration.seconds(10)
    private static let interval = Duration.seconds(600)
    private static let retry = Duration.seconds(60)
    private static let firstRetry = Duration.milliseconds(250)
    private static let longestRetry = Duration.seconds(10)

    private let environment: IAMEnvironment
    private let background: Background
    private let incidents: Incidents
    private let source: Mutex<(@Sendable () async throws(IAMFailure) -> KeySet)?> = Mutex(nil)
    private let state = Mutex(State())

    init(environment: IAMEnvironment, background: Background, incidents: Incidents) {
        self.environment = environment
        self.background = background
        self.incidents = incidents
    }

    /// The keys there are now.
    var edition: Edition? { self.state.withLock { $0.edition } }

    /// Begins to fetch from a source that changes.
    func begin(_ source: @escaping @Sendable () async throws(IAMFailure) -> KeySet) {
        self.source.withLock { $0 = source }
        let first = self.fetch()
        self.background.start { await self.refresh(after: first) }
    }

    /// Takes keys that never change.
    func begin(secret: [UInt8]) {
        self.source.withLock { $0 = { () async throws(IAMFailure) in try await KeySet(secret: secret) } }
        self.state.withLock { $0.isFixed = true }
        self.fetch()
    }

    /// Waits for the keys that are on their way when there are none yet.
    func ready() async -> Edition? {
        if let edition { return edition }
        guard let fetch = self.state.withLock({ $0.fetch }) else { return self.edition }
        _ = await fetch.value
        return self.edition
    }

    /// Looks for other keys than those that have failed to verify a signature; nil when there are none, or when that is not to be
    /// asked again so soon.
    func newer(than edition: Edition) async -> Edition? {
        let fetch = self.state.withLock { state -> Task<Bool, Never>? in
            guard state.edition?.number == edition.number, !state.isFixed else { return nil }
            if let fetch = state.fetch { return fetch }
            let now = self.environment.monotonic()
            if let forced = state.forced, now - forced < Self.pause { return nil }
            state.forced = now
            return self.begin(&state)
        }
        _ = await fetch?.value
        return self.edition.flatMap { $0.number == edition.number ? nil : $0 }
    }

    @discardableResult
    private func fetch() -> Task<Bool, Never> {
        self.state.withLock { state in state.fetch ?? self.begin(&state) }
    }

    /// Starts the one fetch there is at a time. It belongs to nobody who waits for it.
    private func begin(_ state: inout State) -> Task<Bool, Never> {
        let task = self.background.start { await self.fetchNow() }
        state.fetch = task
        return task
    }

    private func fetchNow() async -> Bool {
        let source = self.source.withLock { $0 }
        var found: KeySet?
        do throws(IAMFailure) {
            found = try await source?()
            self.incidents.succeeded(.keys)
        } catch {
            if !Task.isCancelled { self.incidents.failed(.keys, error) }
        }
        self.state.withLock { state in
            state.fetch = nil
            if let found, found.identifiers != state.edition?.keys.identifiers {
                state.edition = Edition(keys: found, number: (state.edition?.number ?? 0) + 1)
            }
        }
        return found != nil
    }

    private func refresh(after first: Task<Bool, Never>) async {
        var hasFetched = await first.value
        var delay = Self.firstRetry
        while !Task.isCancelled {
            if self.edition == nil {
                await self.pause(delay)
                delay = min(delay * 2, Self.longestRetry)
            } else {
                await self.pause(hasFetched ? Self.interval : Self.retry)
            }
            if Task.isCancelled { return }
            hasFetched = await self.fetch().value
        }
    }

    /// Sleeps for somewhat less, so that a thousand hosts do not ask at once.
    private func pause(_ duration: Duration) async {
        try? await Task.sleep(for: duration * Double.random(in: 0.7...1))
    }
}
