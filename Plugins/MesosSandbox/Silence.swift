/// How long nothing new has come, and when it is time to ask whether the task that writes has ended.
struct Silence {
    private var since: ContinuousClock.Instant?
    private var next = ContinuousClock.now

    private static let length = Duration.seconds(1)
    private static let interval = Duration.seconds(5)

    mutating func end() { self.since = nil }

    mutating func isTimeToAsk() -> Bool {
        let now = ContinuousClock.now
        let since = self.since ?? now
        self.since = since
        guard now - since >= Self.length, now >= self.next else { return false }
        self.next = now + Self.interval
        return true
    }
}
