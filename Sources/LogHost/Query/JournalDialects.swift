/// The journal's two spellings of a position, brought to the terms of `LogQuery`.
extension LogRequest {
    /// Reads limit, read_reverse, cursor, skip_next and skip_prev. A route that always follows refuses a limit and a direction.
    mutating func readJournalV1(_ items: QueryItems, traits: RouteTraits, resumeAt: [UInt8]?) throws(Problem) {
        self.query.limit = try items.unsigned("limit") ?? 0
        if traits.follow == .always {
            guard self.query.limit == 0 else {
                throw Problem(400, "The parameter limit cannot be used on a stream.", parameter: "limit")
            }
            guard items.given("read_reverse") == nil else {
                throw Problem(400, "The parameter read_reverse cannot be used on a stream.", parameter: "read_reverse")
            }
        } else if traits.accepts.contains(.reverse), try items.boolean("read_reverse") == true {
            guard !self.query.follow else {
                throw Problem(400, "The parameter read_reverse cannot be used together with a follow.", parameter: "read_reverse")
            }
            self.query.direction = .backward
        }
        let position: JournalPosition
        if let resumeAt {
            position = JournalPosition(resumingAt: resumeAt)
        } else {
            position = try JournalPosition(
                cursor: items.firstBytes("cursor"),
                next: items.unsigned("skip_next") ?? 0,
                prev: items.unsigned("skip_prev") ?? 0
            )
        }
        position.place(in: &self)
    }

    /// Reads limit, cursor and a skip with a sign.
    mutating func readJournalV2(_ items: QueryItems, resumeAt: [UInt8]?) throws(Problem) {
        self.query.limit = try items.unsigned("limit") ?? 0
        let position: JournalPosition
        if let resumeAt {
            position = JournalPosition(resumingAt: resumeAt)
        } else {
            let skip = try items.signed("skip") ?? 0
            position = try JournalPosition(
                cursor: items.firstBytes("cursor"),
                next: skip > 0 ? skip.magnitude : 0,
                prev: skip < 0 ? skip.magnitude : 0
            )
        }
        position.place(in: &self)
    }
}
