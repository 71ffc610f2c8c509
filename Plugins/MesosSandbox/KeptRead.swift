/// What a file gives, piece by piece.
protocol FileItems: AnyObject, Sendable {
    /// Takes the next item; nil when it has yet to be fetched.
    func next() throws -> FileFeed.Item?
    /// Ends whatever is under way.
    func close()
}

/// Reads a kept file on the thread of its reader, which may wait for the disk, up to the size that is known. What is not as expected it
/// leaves to a pump.
// Used by its reader alone, whose calls never overlap.
final class KeptRead: FileItems, @unchecked Sendable {
    private let file: KeptFile
    private let capacity: Int
    private let pump: @Sendable (LineStart) -> FileFeed
    private var place: FilePlace
    /// What was read when the start was looked for.
    private var first: FileFeed.Item?
    private var feed: FileFeed?

    /// Begins at a place in that file.
    init(_ file: KeptFile, at start: LineStart, capacity: Int, pump: @escaping @Sendable (LineStart) -> FileFeed) {
        self.file = file
        self.capacity = capacity
        self.pump = pump
        self.first = start.read.isEmpty ? nil : .bytes(start.read, from: 0, at: start.place.offset)
        self.place = start.place
        self.place.kept = file
        self.place.pass(start.read[...])
    }

    func next() throws -> FileFeed.Item? {
        if let first = self.first.take() { return first }
        if let feed { return feed.next() }
        guard self.place.offset < self.place.size else { return .quiet(seen: 0) }
        // It begins with what is known: a file may be cut, and written anew.
        let known = self.place.before
        let bytes = try self.file.readNow(at: self.place.offset - UInt64(known.count), length: self.capacity)
        guard bytes.count > known.count, bytes.starts(with: known) else {
            let feed = self.pump(LineStart(place: self.place))
            self.feed = feed
            return feed.next()
        }
        let offset = self.place.offset
        self.place.pass(bytes[known.count...])
        return .bytes(bytes, from: known.count, at: offset)
    }

    func close() { self.feed?.close() }
}
