/// Counts lines from the back of a file, block by block.
struct BackwardScan {
    private let count: UInt64
    private let dropsBlankLines: Bool
    /// Where the text of the line that is being looked at ends.
    private var lineEnd: UInt64
    private(set) var counted: UInt64 = 0

    /// Begins at a place; the newline just before it ends the first line to count, and none means that the place lies inside that line.
    init(count: UInt64, dropsBlankLines: Bool, end: UInt64, endsInsideLine: Bool) {
        self.count = count
        self.dropsBlankLines = dropsBlankLines
        self.lineEnd = end > 0 && !endsInsideLine ? end - 1 : end
    }

    /// Looks at a block, which ends where the last one began. Returns where reading begins, once that is found.
    mutating func look(at block: [UInt8], from start: UInt64) -> UInt64? {
        if self.count == 0 { return start + UInt64(block.count) }
        var end = Int(min(UInt64(block.count), self.lineEnd > start ? self.lineEnd - start : 0))
        while let newline = block[..<end].lastIndex(of: UInt8(ascii: "\n")) {
            let lineStart = start + UInt64(newline) + 1
            if !self.dropsBlankLines || lineStart < self.lineEnd {
                self.counted += 1
                if self.counted == self.count { return lineStart }
            }
            self.lineEnd = lineStart - 1
            end = newline
        }
        guard start == 0 else { return nil }
        if self.lineEnd > 0 || (self.lineEnd == 0 && !block.isEmpty && !self.dropsBlankLines && block.first == UInt8(ascii: "\n"))
        {
            self.counted += 1
        }
        return 0
    }
}
