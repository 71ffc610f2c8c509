internal import PluginABI

/// The `gap` event's data: entries are missing here, and why.
struct GapEvent {
    var cause: String
    var from: String
    var to: String
    var count: UInt64?

    init(cause: String, from: String, to: String, count: UInt64? = nil) {
        self.cause = cause
        self.from = from
        self.to = to
        self.count = count
    }

    init(_ gap: loghost_gap) {
        let cause =
            switch unsafe Int(gap.cause) {
            case LOGHOST_GAP_ROTATION: "rotation"
            case LOGHOST_GAP_VACUUM: "vacuum"
            case LOGHOST_GAP_TRUNCATION: "truncation"
            default: "source-error"
            }
        unsafe self.init(cause: cause, from: gap.from.text, to: gap.to.text, count: gap.count == .max ? nil : gap.count)
    }

    /// Cursors from before may occur again.
    var isTruncation: Bool { self.cause == "truncation" }

    /// Without what it says about entries that the answer's filter may exclude.
    func seen(by encoding: Encoding) -> GapEvent {
        encoding.isRestricted ? GapEvent(cause: self.cause, from: "", to: "") : self
    }

    var data: String {
        JSONText.object([
            ("cause", .text(self.cause)), ("from", self.from.isEmpty ? .null : .text(self.from)),
            ("to", self.to.isEmpty ? .null : .text(self.to)), ("count", self.count.map { .number($0) } ?? .null),
        ])
    }
}
