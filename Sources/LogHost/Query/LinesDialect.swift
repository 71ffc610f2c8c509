/// The spelling for lines of files: that of v2, but a position is one in a file, not an entry.
extension LogRequest {
    /// Reads limit, cursor and skip, and passes them on as they are: what a position inside a line means is the source's affair.
    mutating func readLines(_ items: QueryItems, resumeAt: [UInt8]?) throws(Problem) {
        self.query.limit = try items.unsigned("limit") ?? 0
        if let resumeAt {
            self.query.start = .cursor(resumeAt)
            return
        }
        self.query.skip = try items.signed("skip") ?? 0
        self.query.start =
            switch try CursorParameter.parse(items.firstBytes("cursor")) {
            // Back from nowhere in particular is back from the end, as in the journal.
            case .none where self.query.skip < 0: .tail
            case .none, .beginning: .head
            case .end: .tail
            // A position before the first byte, unlike the id of a first line that is empty.
            case .opaque(let bytes) where bytes == [UInt8(ascii: "0")]: .head
            case .opaque(let bytes): .cursor(bytes)
            }
    }
}
