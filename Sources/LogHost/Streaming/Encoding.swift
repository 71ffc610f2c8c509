/// A format with its options: everything besides an entry that decides the entry's bytes.
package struct Encoding: Sendable, Hashable {
    let encoder: EncoderHandle
    /// The answer can be resumed: cursors are written as ids.
    var ids: Bool
    /// Repeated fields and bytes that are no text are shown as they are.
    var exactValues: Bool
    /// The source is lines of files.
    var lines: Bool
    var follow: Bool
    var maximumValueBytes: Int
    /// Who reads may not see everything: a gap is told without places in the log.
    var isRestricted = false

    package init(encoder: EncoderHandle, ids: Bool, exactValues: Bool, lines: Bool, follow: Bool, maximumValueBytes: Int) {
        self.encoder = encoder
        self.ids = ids
        self.exactValues = exactValues
        self.lines = lines
        self.follow = follow
        self.maximumValueBytes = maximumValueBytes
    }

    /// As a request for a route's log has it.
    init(_ encoder: EncoderHandle, route: RouteDescription, log: LogRequest, grant: Grant, maximumValueBytes: Int) {
        self.init(
            encoder: encoder, ids: log.query.follow || route.ids, exactValues: log.exactValues,
            lines: route.traits.dialect == .lines, follow: log.query.follow, maximumValueBytes: maximumValueBytes)
        self.isRestricted = !grant.filter.clauses.isEmpty
    }

    /// Begins an answer, or a feed that many answers share.
    func begin() throws -> EncoderState {
        try self.encoder.begin(self)
    }

    // Names are unique in a host.
    package static func == (one: Encoding, other: Encoding) -> Bool {
        one.encoder.name == other.encoder.name && one.ids == other.ids && one.exactValues == other.exactValues
            && one.lines == other.lines && one.follow == other.follow && one.maximumValueBytes == other.maximumValueBytes
            && one.isRestricted == other.isRestricted
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.encoder.name)
        hasher.combine(self.ids)
        hasher.combine(self.exactValues)
        hasher.combine(self.isRestricted)
    }
}
