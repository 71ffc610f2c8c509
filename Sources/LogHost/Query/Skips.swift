/// How many entries a client asked to step over, towards newer and towards older ones.
struct Skips: Hashable, Sendable {
    var next: UInt64 = 0
    var prev: UInt64 = 0
    /// Counted from a cursor's entry, where both may apply; else from an end of the log, where the later one starts anew.
    var fromCursor = false

    /// What of it moves the position: newer when positive. From -Int64.max to Int64.max.
    var net: Int64 {
        let next = Int64(clamping: self.next)
        let prev = Int64(clamping: self.prev)
        if self.fromCursor {
            return next - prev
        }
        return prev > 0 ? -prev : next
    }

    /// Tells how many entries were really stepped over each way, for a client that asked for `next` and `prev`.
    ///
    /// `moved` is how many of the entries asked for by `net` were stepped over. With both, `next` was carried out first.
    func done(moved: UInt64) -> (next: UInt64, prev: UInt64) {
        let next = UInt64(Int64(clamping: self.next))
        let prev = UInt64(Int64(clamping: self.prev))
        guard next > 0, prev > 0 else { return (min(next, moved), min(prev, moved)) }
        if self.fromCursor {
            // Both are at most Int64.max: the way there and back again is what was moved and the smaller of them.
            return next >= prev
                ? (min(next, min(moved, next) + prev), prev)
                : (next, min(prev, min(moved, prev) + next))
        }
        // The log is as long as `moved` where the way back from its tail came to the head, and at least that long otherwise.
        return (moved < prev ? min(next, moved) : next, min(prev, moved))
    }
}
