/// Where reading of a file's lines begins.
struct LineStart: Sendable {
    var place: FilePlace
    /// A newline that stands there ends a line begun before, and is stepped over.
    var dropsNewline = false
    /// What was read already, from the place on.
    var read: [UInt8] = []
    /// All there was when it was asked for is in `read`.
    var isComplete = false
    /// Lines that were gone back over.
    var skipped: UInt64 = 0
}
