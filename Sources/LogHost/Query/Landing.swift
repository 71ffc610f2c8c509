/// How an opened position is to be read when it is not simply "the boundary".
///
/// The dialects move like sd-journal: a skip *lands on* an entry, and that entry is read first. `Query` turns this into
/// a boundary and a skip; what cannot be said that way, because it depends on where the log ends, is said here and
/// carried out by the range and the follow alike.
package enum Landing: Hashable, Sendable {
    /// Reading starts at the boundary.
    case boundary
    /// `requested` entries are stepped over in the direction of reading, and the last of them is read first
    /// (the query's skip is therefore `requested - 1`). Beyond the end the last entry there is is read.
    case along(requested: UInt64)
    /// `requested` entries are stepped over against the direction of reading, from the end of the log
    /// (the query's skip is `requested`). Beyond the end reading starts there.
    case againstFromEnd(requested: UInt64)
    /// The same from a cursor's entry: the query's skip is `requested + 1`, because the boundary lies on the other side
    /// of that entry. Where nothing could be stepped over, reading starts behind the cursor's entry.
    case againstFromCursor(requested: UInt64)
}
