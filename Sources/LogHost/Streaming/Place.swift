/// Where a follow stands, in terms that a new reader can be opened with.
package enum Place: Hashable, Sendable {
    /// Where its request said; nothing is passed yet.
    case origin
    /// Before the oldest entry there is.
    case head
    /// Behind an entry.
    case cursor([UInt8])
    /// Just before an entry.
    case before([UInt8])
    /// At the head of a log that has lost what came next, for this cause.
    case lost(cause: String)
}
