internal import NIOCore
internal import NIOPosix
internal import PluginABI
internal import ServiceLifecycle
internal import Synchronization

/// All tails of the host: one for each topic that is followed, and none for others.
final class Tails: TailProvider {
    private struct Key: Hashable {
        var source: ObjectIdentifier
        var topic: [UInt8]
    }

    /// Memory that all rings together may take.
    private let ringCapacity: Int
    private let wakes: WakeRegistry
    let workers: WorkerPool
    private let metrics: FollowMetrics
    private let tails = Mutex<[Key: Tail]>([:])
    private let count = Atomic<Int>(0)
    private let joined = Atomic<Int>(0)
    private let begun: AsyncStream<@Sendable () async -> Void>
    private let begin: AsyncStream<@Sendable () async -> Void>.Continuation

    /// Threads that read tails: followers that read what is stored shall not be in their way.
    private static let threads = max(2, NIOCore.System.coreCount)

    /// Told what a tail has failed with.
    private let report: @Sendable (PluginFailure) -> Void

    init(
        ringCapacity: Int, wakes: WakeRegistry, metrics: FollowMetrics, report: @escaping @Sendable (PluginFailure) -> Void
    ) {
        self.report = report
        self.ringCapacity = ringCapacity
        self.wakes = wakes
        self.metrics = metrics
        self.workers = WorkerPool(threads: Self.threads)
        (self.begun, self.begin) = AsyncStream.makeStream()
    }

    func join(_ opening: LogOpening, _ signal: FollowSignal) -> (Tail, Tail.Ticket) {
        let key = Key(source: ObjectIdentifier(opening.source), topic: opening.topic)
        let (tail, ticket, isNew) = self.tails.withLock { tails in
            if let tail = tails[key], let ticket = tail.join(signal) { return (tail, ticket, false) }
            while true {
                let tail = Tail(capacity: { [weak self] in self?.ringShare ?? 0 })
                guard let ticket = tail.join(signal) else { continue }
                tails[key] = tail
                return (tail, ticket, true)
            }
        }
        if isNew {
            self.count.add(1, ordering: .relaxed)
            self.begin.yield { await self.run(tail, opening, key) }
        }
        return (tail, ticket)
    }

    /// What one ring may take now.
    private var ringShare: Int { self.ringCapacity / max(1, self.count.load(ordering: .relaxed)) }

    func count(joined: Int) {
        self.joined.add(joined, ordering: .relaxed)
    }

    /// Measures now.
    func measure() {
        let tails = self.tails.withLock { Array($0.values) }
        self.metrics.measure(
            followers: self.joined.load(ordering: .relaxed), tails: tails.count, ringBytes: tails.reduce(0) { $0 + $1.ringBytes })
    }

    /// Runs the tails until the host stops.
    func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await tail in self.begun { group.addTask { await tail() } }
                for tail in self.tails.withLock({ Array($0.values) }) { tail.signal.end(.shutdown) }
            }
        } onCancelOrGracefulShutdown: {
            self.begin.finish()
        }
        await self.workers.stop()
    }

    private func run(_ tail: Tail, _ opening: LogOpening, _ key: Key) async {
        let wakeID = self.wakes.register { tail.signal.wake() }
        defer { self.wakes.remove(wakeID) }
        do {
            try await self.workers.run { try await self.read(tail, opening, wakeID) }
        } catch let failure as PluginFailure {
            self.report(failure)
        } catch {
            // Only a stop ends it otherwise.
        }
        tail.end(.failed)
        self.count.subtract(1, ordering: .relaxed)
        self.tails.withLock { tails in
            if tails[key] === tail { tails[key] = nil }
        }
    }

    private func read(_ tail: Tail, _ opening: LogOpening, _ wakeID: UInt64) async throws {
        let opened: OpenedReader
        do {
            // The last entry there is tells the followers' place before anything new comes.
            opened = try await self.open(opening, wakeID, skip: -1)
        } catch let failure as PluginFailure where failure.code == LOGHOST_ERROR_UNSUPPORTED {
            opened = try await self.open(opening, wakeID, skip: 0)
        }
        let reader = TailReader(
            tail, reader: opened.reader, maximumValueBytes: opening.encoding.maximumValueBytes,
            maximumBytes: min(256 << 10, max(16 << 10, self.ringShare / 4)), onGap: opening.onGap)
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        while tail.signal.ending == nil {
            switch reader.look() {
            case .more:
                await Task.yield()
            case .wait(let microseconds):
                // Without a time a wake ends it; a day is as good as for ever.
                let time = microseconds == 0 ? TimeAmount.hours(24) : .microseconds(Int64(clamping: microseconds))
                _ = await tail.signal.wait(time, on: eventLoop)
            case .over:
                reader.close()
                return
            case .failed(let failure):
                reader.close()
                throw failure
            }
        }
        reader.close()
    }

    private func open(_ opening: LogOpening, _ wakeID: UInt64, skip: Int64) async throws -> OpenedReader {
        var query = LogQuery()
        query.start = .tail
        query.skip = skip
        query.follow = true
        // Others may follow when that client has gone.
        var request = opening.request
        request.client = nil
        return try await opening.source.open(
            topic: opening.topic, query: query, needs: .everything, request: request, wakeID: wakeID)
    }
}

extension EncoderNeeds {
    /// What any encoder may need.
    fileprivate static let everything = EncoderNeeds(
        bits: UInt32(
            LOGHOST_NEEDS_CURSOR | LOGHOST_NEEDS_REALTIME | LOGHOST_NEEDS_MONOTONIC | LOGHOST_NEEDS_ALL_FIELDS), fieldNames: [])
}
