internal import Testing

extension EndToEndTests {
    /// What a follow says while journal files come and go.
    @Suite struct RotationTests {
        private static let count = 5000

        /// Whether the first file goes only when the follow has read it, or while the follower sleeps in the midst of it.
        @Test(arguments: [true, false])
        func `a follow over rotated files loses nothing without saying so`(waits: Bool) async throws {
            try await withJournal { journal in
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    let progress = Progress()
                    let request = HTTPRequest("/v1/stream/", accept: "text/event-stream")
                    async let followed = server.open(request, within: .seconds(45)) { _, connection in
                        var steps: [Step] = []
                        while let event = try connection.readEvent() {
                            guard let step = Step(event) else { continue }
                            steps.append(step)
                            guard case .entry(let number) = step else { continue }
                            progress.advance(to: number)
                            if number == Self.count { break }
                            if number == 100, !waits { sleepThread(3) }
                        }
                        return steps
                    }
                    try await Self.write(journal, waiting: waits ? progress : nil)
                    let steps = try await followed
                    Self.check(steps)
                    let gaps = steps.filter { $0 == .gap }.count
                    if waits { #expect(gaps == 0, "everything could be read before it went") }
                    #expect(steps.last == .entry(Self.count))
                }
            }
        }

        @Test func `a file that was never read and goes is a gap for who resumes in it`() async throws {
            try await withJournal { journal in
                try await journal.write((1...20).map { JournalEntry($0) }, to: "a")
                try await journal.write((21...40).map { JournalEntry($0) }, to: "b")
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    let first = try await server.get("/v1/range/?skip_next=5&limit=1", accept: "application/json")
                    let id = try #require(first.jsonLines.first?["cursor"]?.string)
                    try journal.delete("a")
                    let request = HTTPRequest("/v2/component", accept: "text/event-stream", headers: ["Last-Event-ID": id])
                    let events = try await server.open(request) { _, connection in try connection.readEvents(entries: 20) }
                    #expect(events.first?.name == "gap")
                    #expect(events.compactMap(Step.init) == [.gap] + (21...40).map { .entry($0) })
                    #expect(try await server.get("/v1/range/?cursor=\(id)").status == 410)
                    #expect(try await server.get("/v1/range/").lines.count == 20)
                }
            }
        }

        @Test func `a journal whose files have all gone and come again goes on`() async throws {
            try await withJournal { journal in
                try await journal.write((1...3).map { JournalEntry($0) }, to: "a")
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    let request = HTTPRequest("/v1/stream/", accept: "text/event-stream")
                    let progress = Progress()
                    async let followed = server.open(request) { _, connection in
                        var steps: [Step] = []
                        while steps.last != .entry(6), let event = try connection.readEvent() {
                            if let step = Step(event) { steps.append(step) }
                            if steps.last == .entry(3) { progress.advance(to: 3) }
                        }
                        return steps
                    }
                    try await progress.wait(for: 3)
                    try journal.delete("a")
                    try await Task.sleep(for: .milliseconds(400))
                    #expect(try await server.get("/v1/range/").status == 204)
                    try await journal.write((4...6).map { JournalEntry($0) }, to: "b")
                    #expect(try await followed.filter { $0 != .gap } == (1...6).map { .entry($0) })
                    #expect(try await server.get("/v1/range/").lines.count == 3)
                }
            }
        }

        /// Writes 5,000 entries: half to one file, the rest to a second, and removes the first in between.
        private static func write(_ journal: TestJournal, waiting progress: Progress?) async throws {
            try await journal.withWriter(to: "a") { first in
                for start in stride(from: 1, through: 2500, by: 50) {
                    try await first.write((start..<start + 50).map { JournalEntry($0) })
                    try await Task.sleep(for: .milliseconds(4))
                }
            }
            try await journal.withWriter(to: "b") { second in
                for start in stride(from: 2501, through: Self.count, by: 50) {
                    try await second.write((start..<start + 50).map { JournalEntry($0) })
                    try await Task.sleep(for: .milliseconds(4))
                    if start == 3501 {
                        try await progress?.wait(for: 3000)
                        try journal.delete("a")
                    }
                }
            }
        }

        /// Numbers must follow one another; where one is missing a gap must stand before the next.
        private static func check(_ steps: [Step], _ location: SourceLocation = #_sourceLocation) {
            var last = 0
            var isGap = false
            var faults: [String] = []
            for step in steps {
                guard case .entry(let number) = step else {
                    isGap = true
                    continue
                }
                if number <= last || (number != last + 1 && !isGap) { faults.append("\(number) after \(last)") }
                last = number
                isGap = false
            }
            #expect(faults.isEmpty, "\(faults.count) faults: \(faults.prefix(5))", sourceLocation: location)
        }
    }
}

/// What a stream says next, signs of life left out.
private enum Step: Sendable, Hashable, CustomTestStringConvertible {
    case entry(Int)
    case gap
    case other(String)

    var testDescription: String {
        switch self {
        case .entry(let number): "\(number)"
        case .gap: "gap"
        case .other(let text): text
        }
    }

    init?(_ event: ServerSentEvent) {
        guard let data = event.data else { return nil }
        if event.name == "gap" {
            self = .gap
        } else if event.isEntry, let number = event.json?["fields"]?["N"]?.string.flatMap({ Int($0) }) {
            self = .entry(number)
        } else {
            self = .other("\(event.name ?? "an entry without a number"): \(data)")
        }
    }
}
