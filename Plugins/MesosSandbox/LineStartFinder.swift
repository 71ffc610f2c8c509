internal import PluginKit

/// Finds where reading begins: the head, the end, a line's id, or some lines before one of these.
struct LineStartFinder: Sendable {
    let file: LogFile
    let dropsBlankLines: Bool
    /// The current file as it was listed, a moment ago; nil between two rotations.
    let facts: FileFacts?

    /// How much is read before the end to find the last lines, as long as they are of ordinary length.
    private static let window: UInt64 = 16 << 10
    private static let ordinaryLine: UInt64 = 400
    /// How far lines are counted back at most.
    private static let backwardCapacity: UInt64 = 1 << 30
    /// How many older files an id's line is looked for in.
    private static let rotatedCapacity = 64

    private var files: any SandboxFiles { self.file.files }
    private var size: UInt64 { self.facts?.size ?? 0 }

    /// Finds it. `needsPrefix`: lines are to have ids.
    func find(_ query: Query, needsPrefix: Bool) async throws -> LineStart {
        guard needsPrefix else { return try await self.start(query) }
        // A file that is shorter is read from its beginning anyway.
        guard self.size > Self.window else { return try await self.withPrefix(self.start(query), known: FilePrefix()) }
        // Beside the other reads.
        async let prefix = self.prefix(of: self.file.name)
        return try await self.withPrefix(self.start(query), known: prefix)
    }

    private func start(_ query: Query) async throws -> LineStart {
        var start: LineStart
        switch query.start {
        case .head: start = LineStart(place: FilePlace(name: self.file.name, size: self.size, identity: self.facts?.identity))
        case .tail: start = try await self.end(query)
        case .cursor(let cursor): start = try await self.line(cursor, query)
        case .time: throw PluginError(.unsupported, "Lines of files have no times.")
        }
        if query.skip < 0 { start = try await self.goBack(query.skip.magnitude, from: start) }
        start.place.before = start.place.before.suffix(FilePlace.beforeCapacity)
        return start
    }

    /// Completes what is known of a file's first bytes, which ids are made of. `known`: the current file's.
    private func withPrefix(_ start: LineStart, known: FilePrefix) async throws -> LineStart {
        var start = start
        guard start.place.offset > UInt64(start.place.prefix.bytes.count), !start.place.prefix.isWhole else { return start }
        let isKnown = start.place.name == self.file.name && known.isWhole
        start.place.prefix = isKnown ? known : try await self.prefix(of: start.place.name)
        return start
    }

    private func prefix(of name: String) async throws -> FilePrefix {
        FilePrefix(try await self.files.bytes(of: self.file.path(name), at: 0, count: FilePrefix.capacity))
    }

    // MARK: The end

    /// The place behind the last byte, with what lies before it, as it is now.
    private func end(_ query: Query) async throws -> LineStart {
        guard self.facts != nil else { return LineStart(place: FilePlace(name: self.file.name), isComplete: true) }
        let lines = min(query.skip.magnitude, 100) * Self.ordinaryLine
        let window = query.skip < 0 ? min(max(lines, 4 << 10), Self.window) : UInt64(FilePlace.beforeCapacity)
        var place = FilePlace(name: self.file.name, size: self.size, identity: self.facts?.identity)
        place.offset = place.size > window ? place.size - window : 0
        var (bytes, isComplete) = try await self.readToEnd(place)
        if bytes.isEmpty, place.offset > 0 {
            // Shorter than it was a moment ago.
            let facts = try await self.file.find(in: self.files.list(self.file.directory))
            place.size = facts?.size ?? 0
            place.identity = facts?.identity
            place.offset = place.size > window ? place.size - window : 0
            (bytes, isComplete) = try await self.readToEnd(place)
        }
        if place.offset == 0 { place.prefix = FilePrefix(bytes) }
        place.offset += UInt64(bytes.count)
        place.size = place.offset
        place.before = bytes
        return LineStart(place: place, dropsNewline: place.isInsideLine, isComplete: isComplete)
    }

    /// Reads on to where nothing more comes; a file that grows faster than that has its end where this stops.
    private func readToEnd(_ place: FilePlace) async throws -> ([UInt8], isComplete: Bool) {
        var bytes: [UInt8] = []
        for _ in 0..<256 {
            let asked = self.files.readCapacity
            let piece = try await self.files.read(
                self.file.path(place.name), at: place.offset + UInt64(bytes.count), length: asked)
            bytes += piece
            if piece.isEmpty || (self.files.givesWholeReads && piece.count < asked) { return (bytes, true) }
        }
        return (bytes, false)
    }

    // MARK: An id

    private func line(_ cursor: [UInt8], _ query: Query) async throws -> LineStart {
        guard let id = LineID(cursor) else {
            throw PluginError(.malformedCursor, "cursor: expected BEG, END, a number, or the id of an event.")
        }
        guard id.fingerprint != nil else { return try await self.number(id.offset, query) }
        if let facts, let start = try await self.place(id, in: facts) { return start }
        // A moment ago is too long ago for a file that was rotated just now.
        let list = try await self.files.list(self.file.directory)
        let current = try self.file.find(in: list)
        for facts in [current].compactMap({ $0 }) + self.file.rotated(in: list).prefix(Self.rotatedCapacity).map(\.facts) {
            if let start = try await self.place(id, in: facts) { return start }
        }
        throw PluginError(.cursorGone, "The cursor's line is no longer in the file.", detail: Self.oldest)
    }

    /// The cursor of the head: what there is of older files is not resumed at.
    private static let oldest = "0"

    /// The place of a line in a file; nil when the file is another one.
    private func place(_ id: LineID, in facts: FileFacts) async throws -> LineStart? {
        // What was listed a moment ago may have grown since.
        guard facts.name == self.file.name || facts.size >= id.offset else { return nil }
        do {
            let prefix = try await self.prefix(of: facts.name)
            guard prefix.fingerprint(at: id.offset) == id.fingerprint else { return nil }
            var start = try await self.behind(id.offset, in: facts.name, size: facts.size, prefix: prefix)
            start?.place.identity = facts.identity
            // Of two reads of an older file the second may be the next one's, which has its name by now.
            if facts.name != self.file.name, try await self.prefix(of: facts.name) != prefix { return nil }
            return start
        } catch let error as PluginError where error.code == .notFound {
            return nil
        }
    }

    /// A plain number, which may lie beyond the end.
    private func number(_ offset: UInt64, _ query: Query) async throws -> LineStart {
        if self.facts != nil || offset == 0,
            var start = try await self.behind(offset, in: self.file.name, size: self.size, prefix: FilePrefix())
        {
            start.place.identity = self.facts?.identity
            return start
        }
        if query.resumes { throw PluginError(.cursorGone, "The line is no longer in the file.", detail: Self.oldest) }
        return try await self.end(query)
    }

    /// The place of an offset in a file, with what lies around it; nil when the file ends before it.
    private func behind(_ offset: UInt64, in name: String, size: UInt64, prefix: FilePrefix) async throws -> LineStart? {
        let path = self.file.path(name)
        var place = FilePlace(name: name, prefix: prefix, size: size)
        place.offset = offset > UInt64(FilePlace.beforeCapacity) ? offset - UInt64(FilePlace.beforeCapacity) : 0
        let count = Int(offset - place.offset)
        var bytes = try await self.files.read(path, at: place.offset, length: self.files.readCapacity)
        if bytes.count < count {
            bytes += try await self.files.bytes(
                of: path, at: place.offset + UInt64(bytes.count), count: count - bytes.count)
        }
        guard bytes.count >= count else { return nil }
        place.pass(bytes.prefix(count))
        return LineStart(place: place, dropsNewline: true, read: Array(bytes.dropFirst(count)))
    }

    // MARK: Lines before it

    /// Goes back over lines, and stops at the head.
    private func goBack(_ count: UInt64, from start: LineStart) async throws -> LineStart {
        var start = start
        // An id's newline is stepped over first: it ends the line before.
        if start.dropsNewline, start.read.first == UInt8(ascii: "\n") {
            start.place.pass([UInt8(ascii: "\n")])
            start.read.removeFirst()
        }
        var scan = BackwardScan(
            count: count, dropsBlankLines: self.dropsBlankLines, end: start.place.offset, endsInsideLine: start.place.isInsideLine
        )
        // What is in memory already: first what lies before the place, then blocks before that.
        var block = start.place.before
        var blockStart = start.place.offset - UInt64(block.count)
        /// From the place that is looked for on, while it is worth keeping.
        var kept: [UInt8]? = start.read
        while true {
            if let offset = scan.look(at: block, from: blockStart) {
                let inBlock = Int(offset - blockStart)
                var place = FilePlace(
                    name: start.place.name, prefix: start.place.prefix, size: start.place.size, identity: start.place.identity)
                if blockStart == 0 { place.prefix.extend(block, at: 0) }
                place.offset = offset
                place.before = Array(block.prefix(inBlock).suffix(FilePlace.beforeCapacity))
                let read = kept.map { Array(block.dropFirst(inBlock)) + $0 }
                return LineStart(
                    place: place, read: read ?? [], isComplete: start.isComplete && read != nil, skipped: scan.counted)
            }
            guard start.place.offset - blockStart < Self.backwardCapacity else {
                throw PluginError(.unsupported, "skip: lines are counted back over at most 1 GiB.")
            }
            if let known = kept { kept = known.count + block.count > Self.keptCapacity ? nil : block + known }
            (block, blockStart) = try await self.block(before: blockStart, in: start.place.name)
        }
    }

    /// More than this is read again rather than kept.
    private static let keptCapacity = 1 << 20

    /// The bytes just before an offset.
    private func block(before end: UInt64, in name: String) async throws -> ([UInt8], UInt64) {
        let capacity = UInt64(self.files.readCapacity)
        let start = end > capacity ? end - capacity : 0
        let bytes = try await self.files.bytes(of: self.file.path(name), at: start, count: Int(end - start))
        guard UInt64(bytes.count) == end - start else {
            throw PluginError(.unavailable, "The file was cut while it was read.", retryable: true)
        }
        return (bytes, start)
    }
}
