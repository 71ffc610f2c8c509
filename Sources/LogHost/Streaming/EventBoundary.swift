package import NIOCore

/// Whether an event stream that is passed on stands between two events, where something may be added. Known from its last bytes.
package struct EventBoundary {
    private static let capacity = 256

    /// The last bytes, without whole comments at their end: between events those change nothing. The beginning is behind an empty line.
    private var tail = Array("\n\n".utf8)

    package init() {}

    /// Takes note of what is sent.
    package mutating func pass(_ bytes: ByteBuffer) {
        self.tail = (self.tail + bytes.readableBytesView.suffix(Self.capacity)).suffix(Self.capacity)
        while self.tail.last == UInt8(ascii: "\n"), let before = self.tail.dropLast().lastIndex(of: UInt8(ascii: "\n")),
            self.tail[before + 1] == UInt8(ascii: ":")
        {
            self.tail.removeSubrange((before + 1)...)
        }
    }

    package var isBetweenEvents: Bool { self.tail.suffix(2).elementsEqual("\n\n".utf8) }
}
