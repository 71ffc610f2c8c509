import LogHost
import NIOCore
import PluginABI
import Synchronization
import TestSupport
import Testing

/// Random schedules of a log, its tail and its followers, against what a follow promises.
@Suite struct LiveTailModelTests {
    @Test func `whatever the timing, a follower gets every entry once and in order`() async throws {
        for seed in 0..<10_000 as Range<UInt64> {
            let world = try World(seed: seed)
            try await world.run()
            guard let complaint = world.complaint else { continue }
            // Once more, to tell how it came to that.
            let again = try World(seed: seed, tells: true)
            try await again.run()
            Issue.record("seed \(seed): \(complaint)\n\(again.history.joined(separator: "\n"))")
            return
        }
    }
}

/// One run of the model.
private final class World {
    /// Everything that was ever written.
    private struct Written {
        var generation: Int
        var entry: ModelLog.Entry
        var isLate: Bool
        var isGone = false
    }

    private final class Client {
        let follower: Follower
        let signal: FollowSignal
        let opening: LogOpening
        let generation: Int
        let startKey: Int
        let kind: Int?
        let limit: Int
        var text = ""
        /// What a client that left in the middle of a line has of it does not count.
        var lines: [Substring] { self.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
        var isParked = false
        var seat: Seats.Seat?
        var isWaiting = false
        var number = 0
        var ending: String?

        init(
            _ follower: Follower, _ signal: FollowSignal, _ opening: LogOpening, generation: Int, startKey: Int, kind: Int?,
            limit: Int
        ) {
            self.follower = follower
            self.signal = signal
            self.opening = opening
            self.generation = generation
            self.startKey = startKey
            self.kind = kind
            self.limit = limit
        }
    }

    private var random: SeededInputs
    private let log: ModelLog
    private let source: SourceHandle
    private let encoder: EncoderHandle
    private let seats: Seats
    private let provider: Provider
    private var written: [Written] = []
    private var clients: [Client] = []
    private var tailReaders: [(tail: Tail, reader: TailReader)] = []
    /// Readers are never taken away from followers, and blocks never from the ring: for cursors that occur again.
    private let isGentle: Bool
    private let hasLosses: Bool
    private let hasFailures: Bool
    private(set) var complaint: String?
    private var tailsHaveMore = false
    /// What happened, for the complaint.
    private(set) var history: [String] = []
    private let tells: Bool

    private func tell(_ event: @autoclosure () -> String) { if self.tells { self.history.append(event()) } }

    init(seed: UInt64, tells: Bool = false) throws {
        self.tells = tells
        var random = SeededInputs(state: seed &* 0x9E37_79B9)
        self.isGentle = random.next() % 4 == 0
        self.hasLosses = random.next() % 2 == 0
        self.hasFailures = !self.isGentle && random.next() % 8 == 0
        self.log = ModelLog(
            random: SeededInputs(state: random.next()), appliesQuery: random.next() % 2 == 0, cursorsRecur: self.isGentle)
        self.source = unsafe SourceHandle(instance: self.log.instance, functions: ModelLog.functions)
        self.encoder = unsafe try EncoderHandle.all(instance: self.log.instance, functions: ModelEncoder.functions)[0]
        self.seats = Seats(capacity: self.isGentle ? 1_000 : 2)
        self.provider = Provider(ringCapacity: self.isGentle ? .max : 64 + Int(random.next() % 512))
        self.random = random
    }

    private func pick(_ count: Int) -> Int { Int(self.random.next() % UInt64(count)) }

    func run() async throws {
        if self.hasFailures { self.log.failures = 2 }
        for _ in 0..<self.pick(4) { self.write() }
        for _ in 0..<(40 + self.pick(160)) where self.complaint == nil { try await self.act() }
        self.log.failures = 0
        self.log.revealAll()
        try await self.settle()
        if self.complaint == nil { self.check() }
        for client in self.clients { client.follower.close() }
        self.clients = []
        for (_, reader) in self.tailReaders {
            if case .over = reader.look() {} else { self.complaint = self.complaint ?? "a tail goes on without followers" }
            reader.close()
        }
        self.tailReaders = []
        if self.complaint == nil, self.seats.taken > 0 { self.complaint = "\(self.seats.taken) seats are not free" }
        if self.complaint == nil, self.log.openReaders > 0 { self.complaint = "\(self.log.openReaders) readers were left open" }
    }

    private func act() async throws {
        switch self.pick(20) {
        case 0...3: self.write()
        case 4: if let entry = self.log.appendLate() { self.note(entry, isLate: true) }
        case 5:
            guard self.hasLosses else { break }
            if self.isGentle, self.pick(4) > 0 {
                self.lose(self.log.truncate())
            } else {
                self.lose(self.log.vacuum(self.pick(4)))
            }
        case 6...9: try await self.lookAtTails()
        case 10: if self.clients.count < 6 { try await self.addClient() }
        case 11:
            guard self.pick(8) == 0, let client = self.clients.randomElement(using: &self.random) else { break }
            self.unpark(client)
            self.end(client, "left")
        default:
            guard let client = self.clients.randomElement(using: &self.random) else { break }
            try await self.step(client)
        }
    }

    private func write() { self.note(self.log.append(), isLate: false) }

    private func note(_ entry: ModelLog.Entry, isLate: Bool) {
        self.tell("write \(entry)\(isLate ? " late" : "")")
        self.written.append(Written(generation: self.log.generation, entry: entry, isLate: isLate))
    }

    private func lose(_ entries: [ModelLog.Entry]) {
        self.tell("lose \(entries.map(\.id)) generation \(self.log.generation)")
        for entry in entries {
            for index in self.written.indices where self.written[index].entry.id == entry.id { self.written[index].isGone = true }
        }
    }

    // MARK: The tail

    private func lookAtTails() async throws {
        self.tailsHaveMore = false
        while let (tail, opening) = self.provider.takeNew() {
            var query = LogQuery()
            query.start = .tail
            query.skip = -1
            query.follow = true
            let needs = EncoderNeeds(bits: UInt32(LOGHOST_NEEDS_CURSOR | LOGHOST_NEEDS_ALL_FIELDS), fieldNames: [])
            let opened = try await self.source.open(
                topic: opening.topic, query: query, needs: needs, request: Self.request, wakeID: 0)
            self.tailReaders.append((tail, TailReader(tail, reader: opened.reader, maximumValueBytes: 1 << 20, onGap: { _ in })))
        }
        self.tailReaders.removeAll { tail, reader in
            let look = reader.look()
            self.tell("look \(look) visible \(self.log.entries.map(\.id))")
            if case .more = look { self.tailsHaveMore = true }
            switch look {
            case .over, .failed: reader.close()
            case .more, .wait: return false
            }
            return true
        }
    }

    private static let request = SourceRequest(route: 1, variables: [], query: "", principal: "", requestID: "")

    // MARK: Followers

    private func addClient() async throws {
        let (seat, evicted) = self.seats.take(FollowSignal())
        evicted?.close()
        guard seat.isHeld else { return }
        var log = LogRequest()
        log.query.follow = true
        let startsAtHead = self.pick(3) == 0
        log.query.start = startsAtHead ? .head : .tail
        let kind = self.pick(2) == 0 ? self.pick(3) : nil
        if let kind { log.query.filter = LogFilter(clauses: [[LogMatch("KIND", "\(kind)")]]) }
        let limit = self.pick(6) == 0 ? 1 + self.pick(8) : 0
        log.query.limit = UInt64(limit)
        let opening = LogOpening(
            source: self.source, topic: [1], request: Self.request, log: log,
            encoding: Encoding(
                encoder: self.encoder, ids: true, exactValues: false, lines: false, follow: true, maximumValueBytes: 1 << 20),
            wakeID: 0, onGap: { _ in }, checkClient: {})
        let oldest = self.log.vacuumed
        let opened = try await opening.open()
        let startKey = startsAtHead ? oldest : max(self.startOfTail(), 0)
        let signal = FollowSignal()
        let follower = Follower(
            opened, seat, opening: opening, tails: self.provider, signal: signal,
            patience: self.pick(3) == 0 ? .nanoseconds(0) : .seconds(1))
        let client = Client(
            follower, signal, opening, generation: self.log.generation, startKey: startKey, kind: kind, limit: limit)
        client.number = self.clients.count
        self.clients.append(client)
        self.tell(
            "new \(client.number) start \(log.query.start) \(startKey) kind \(kind ?? -1) limit \(limit) applies \(self.log.appliesQuery)"
        )
    }

    /// Where the reader began that was opened just now: opening made visible what it saw, and its first reading perhaps more.
    private func startOfTail() -> Int { self.log.lastOpenedPosition }

    private func unpark(_ client: Client) {
        guard client.isParked else { return }
        client.isParked = false
        client.follower.unpark()
    }

    private func step(_ client: Client) async throws {
        guard client.ending == nil else { return }
        // Its write has ended.
        self.unpark(client)
        let step = client.follower.step()
        self.tell("step \(client.number) \(step.text) place \(client.follower.place) visible \(self.log.entries.map(\.id))")
        switch step {
        case .write(let buffers, _):
            client.isWaiting = false
            let text = buffers.map { String(buffer: $0) }.joined()
            client.text += text
            guard !text.isEmpty, !self.isGentle else { break }
            client.isParked = true
            client.follower.park()?.close()
        case .search:
            client.isWaiting = false
        case .wait:
            client.isWaiting = true
        case .open:
            client.isWaiting = false
            if client.seat == nil {
                let (seat, evicted) = self.seats.take(client.signal)
                evicted?.close()
                client.seat = seat
            }
            guard let seat = client.seat, seat.isHeld else { break }
            client.seat = nil
            let limit = client.follower.limitLeft == .max ? 0 : client.follower.limitLeft
            do {
                let opened = try await client.opening.open(
                    at: client.follower.place, limit: limit, leavingOut: client.follower.remembered)
                client.follower.attach(opened, seat)
            } catch {
                // A tail that failed at once leaves no place to go on from.
                if !self.hasFailures { self.complaint = "a reader could not be opened at \(client.follower.place): \(error)" }
                client.ending = "fault"
            }
        case .end(let reason): client.ending = reason
        case .fault: client.ending = "fault"
        case .disconnect: client.ending = "disconnect"
        }
        if let ending = client.ending { self.end(client, ending) }
    }

    private func end(_ client: Client, _ ending: String) {
        client.ending = client.ending ?? ending
        client.follower.close()
        client.seat = nil
    }

    /// Lets everybody come to rest.
    private func settle() async throws {
        for _ in 0..<2_000 {
            let before = self.clients.map(\.text.utf8.count)
            var isAtRest = true
            for _ in 0..<3 {
                try await self.lookAtTails()
                if self.tailsHaveMore { isAtRest = false }
                for client in self.clients where client.ending == nil {
                    try await self.step(client)
                    if !client.isWaiting || !client.follower.isLive { isAtRest = false }
                }
            }
            if self.complaint != nil { return }
            if isAtRest, before == self.clients.map(\.text.utf8.count) { return }
        }
        self.complaint = "no rest"
    }

    // MARK: The promise

    private func check() {
        for (number, client) in self.clients.enumerated() {
            if let complaint = self.check(client) {
                self.complaint = "follower \(number) (\(client.ending ?? "live")): \(complaint)\n\(client.lines)"
                return
            }
        }
    }

    private func check(_ client: Client) -> String? {
        /// Line numbers by entry.
        var places: [Int: Int] = [:]
        var last: Written?
        var gaps: [Int] = []
        for (line, text) in client.lines.enumerated() {
            if text == "gap" {
                gaps.append(line)
                continue
            }
            if text == "fault", client.ending != nil, line == client.lines.count - 1 { continue }
            let parts = text.split(separator: " ")
            guard parts.count == 3, let id = Int(parts[2]), let entry = self.written.first(where: { $0.entry.id == id }) else {
                return "strange line \(text)"
            }
            if places.updateValue(line, forKey: id) != nil { return "entry \(id) came twice" }
            if let kind = client.kind, entry.entry.kind != kind { return "entry \(id) does not pass the filter" }
            if entry.isLate { continue }
            if let last, !self.isBefore(last, entry) { return "entry \(id) came after \(last.entry.id)" }
            last = entry
        }
        if !gaps.isEmpty, !self.hasLosses { return "a gap without a loss" }
        if client.limit > 0, places.count > client.limit { return "more than the limit" }
        if client.limit > 0, places.count < client.limit, client.ending == "limit" { return "less than the limit" }
        if client.ending != nil { return nil }
        let promised = self.written.filter { entry in
            !entry.isLate && (client.kind == nil || client.kind == entry.entry.kind)
                && (entry.generation > client.generation
                    || entry.generation == client.generation && entry.entry.key > client.startKey)
        }
        .sorted { self.isBefore($0, $1) }
        for (index, entry) in promised.enumerated() where places[entry.entry.id] == nil {
            if !entry.isGone { return "entry \(entry.entry.id) is missing" }
            let before = promised[..<index].last { places[$0.entry.id] != nil }.flatMap { places[$0.entry.id] } ?? -1
            let after = promised[(index + 1)...].first { places[$0.entry.id] != nil }.flatMap { places[$0.entry.id] } ?? .max
            if !gaps.contains(where: { $0 > before && $0 < after }) { return "entry \(entry.entry.id) is gone without a gap" }
        }
        return nil
    }

    private func isBefore(_ one: Written, _ other: Written) -> Bool {
        (one.generation, one.entry.key) < (other.generation, other.entry.key)
    }
}

/// Makes tails that the schedule runs.
private final class Provider: TailProvider {
    private struct State {
        var tail: Tail?
        var new: [(Tail, LogOpening)] = []
    }

    private let state = Mutex(State())
    private let ringCapacity: Int

    init(ringCapacity: Int) {
        self.ringCapacity = ringCapacity
    }

    func join(_ opening: LogOpening, _ signal: FollowSignal) -> (Tail, Tail.Ticket) {
        self.state.withLock { state in
            while true {
                if let tail = state.tail, let ticket = tail.join(signal) { return (tail, ticket) }
                let tail = Tail(capacity: { [ringCapacity] in ringCapacity })
                state.tail = tail
                state.new.append((tail, opening))
            }
        }
    }

    func count(joined: Int) {}

    func takeNew() -> (Tail, LogOpening)? { self.state.withLock { $0.new.popLast() } }
}

extension Follower.Step {
    var text: String {
        if case .write(let buffers, _) = self { "write \(buffers.map { String(buffer: $0) })" } else { "\(self)" }
    }
}
