internal import LogHost
internal import NIOCore
internal import Testing

/// Where in an event stream something may be added.
@Suite struct EventBoundaryTests {
    private static func isBetween(_ text: String, piece: Int) -> Bool {
        var boundary = EventBoundary()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            boundary.pass(ByteBuffer(bytes: rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
        return boundary.isBetweenEvents
    }

    @Test(
        arguments: [
            "", "data: a\n\n", "data: a\n\n: ping\n\n", "data: a\n\n: ping\n", ": ping\n\n", ": ping\n", ":\n:\n",
            "data: a\n\n\n",
            "data: \(String(repeating: "a", count: 1_000))\n\n",
        ], [1, 2, 3, 7, 1_000_000])
    func `between two events there is room`(text: String, piece: Int) {
        #expect(Self.isBetween(text, piece: piece))
    }

    @Test(
        arguments: [
            "d", "data: a", "data: a\n", "data: a\n: ping\n", "data: a\n\nid: 1\n", "data: a\n\n: pi", "data: a\n\n:", "\n\nx\n",
            "data: a\n: \(String(repeating: "a", count: 1_000))\n", "\n\n\(String(repeating: "a", count: 1_000))",
        ], [1, 2, 3, 7, 1_000_000])
    func `within an event, a line or a comment there is none`(text: String, piece: Int) {
        #expect(!Self.isBetween(text, piece: piece))
    }
}
