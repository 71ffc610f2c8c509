internal import PluginKit

/// Fetches a file's bytes in order: reads ahead where they are known to be, and at the end looks for what is new, through rotations and
/// truncations.
actor FilePump {
    private let file: LogFile
    private let follow: Follow?
    private let readAhead: Int
    private var place: FilePlace
    /// All there was when the reading began has been fetched.
    private var isComplete: Bool
    /// How much is asked for at once: less after a server that gives less, and again more while it gives all of that.
    private var stride: Stride
    /// Under way beyond the place.
    private var reads: ReadAhead?
    /// The current file is not there: since when, and whether that is because it was rotated.
    private var missing: (since: ContinuousClock.Instant, isRotated: Bool)?
    /// Mesos could not be asked, or files went away under each look, since then.
    private var troubleSince: ContinuousClock.Instant?
    private var looks = 0
    private var silence = Silence()
    /// The task has ended: what is fetched after that is the last.
    private var taskHasEnded = false

    /// A server that gives less than this at once gives all of it as news.
    private static let smallestOverlapping = 4_096
    private static let pause = Duration.milliseconds(200)

    init(_ start: LineStart, of file: LogFile, readAhead: Int, follow: Follow?) {
        self.file = file
        self.follow = follow
        self.readAhead = readAhead
        self.place = start.place
        self.place.pass(start.read[...])
        self.isComplete = start.isComplete
        self.stride = Stride(capacity: file.files.readCapacity)
    }

    /// What was read when the start was looked for, and for a range that has all of it then, its end.
    static func first(of start: LineStart, follows: Bool) -> [FileFeed.Item] {
        var items: [FileFeed.Item] = start.read.isEmpty ? [] : [.bytes(start.read, from: 0, at: start.place.offset)]
        if start.isComplete, !follows { items.append(.quiet(seen: 0)) }
        return items
    }

    /// Fetches until there is enough, or nothing more now. True when only the room is lacking.
    func run(into feed: FileFeed) async -> Bool {
        do {
            while feed.hasRoom, !Task.isCancelled {
                do {
                    guard try await self.step(feed) else { return false }
                    self.troubleSince = nil
                } catch let error as PluginError where self.follow != nil && (error.retryable || error.code == .notFound) {
                    // A file that is not found was renamed between two requests: the next step looks where it is now.
                    try await self.bear(error)
                }
            }
            return true
        } catch is CancellationError {
        } catch {
            feed.append(.failure(error))
        }
        return false
    }

    /// Makes one step; false when there is nothing more now.
    private func step(_ feed: FileFeed) async throws -> Bool {
        if self.place.kept == nil, try await !self.keep(feed) { return true }
        if self.place.offset < self.place.size, !self.isComplete { return try await self.readAhead(feed) }
        if self.place.name != self.file.name { return try await self.goOn(feed) }
        if let follow { return try await self.look(feed, follow) }
        if !self.isComplete {
            // Nobody has told where the end is.
            let bytes = try await self.file.read(self.place, at: self.place.offset, length: self.stride.length)
            self.isComplete = bytes.isEmpty || (self.file.files.givesWholeReads && bytes.count < self.stride.length)
            self.give(bytes, feed)
            if !self.isComplete { return true }
        }
        feed.append(.quiet(seen: 0))
        return false
    }

    private var path: String { self.file.path(self.place.name) }

    /// Keeps the file, where files can be kept. False when the name means another one by now: then it says where to go on.
    private func keep(_ feed: FileFeed) async throws -> Bool {
        let kept: KeptFile?
        do {
            kept = try await self.file.files.keep(self.path)
        } catch let error as PluginError where error.code == .notFound {
            kept = nil
        }
        guard let identity = self.place.identity, let found = kept?.identity, found != identity else {
            self.place.kept = kept
            return true
        }
        // Renamed since it was listed.
        let list = try await self.file.files.list(self.file.directory)
        if let facts = list.first(where: { $0.isRegular && $0.identity == identity }) {
            self.place.name = facts.name
        } else {
            feed.append(.gap(.rotation))
            try self.begin(self.file.name, list)
        }
        return false
    }

    /// Gives what stands at the place: all bytes but the first few.
    private func give(_ bytes: [UInt8], from index: Int = 0, _ feed: FileFeed) {
        if bytes.count <= index { return }
        feed.append(.bytes(bytes, from: index, at: self.place.offset))
        self.place.pass(bytes[index...])
        self.silence.end()
    }

    /// Waits a little after an error that may pass; throws when that takes too long.
    private func bear(_ error: PluginError) async throws {
        guard let follow else { throw error }
        let since = self.troubleSince ?? .now
        self.troubleSince = since
        guard ContinuousClock.now - since < follow.patience else { throw error }
        try await Task.sleep(for: Self.pause)
    }

    // MARK: What is known to be there

    /// Keeps several reads under way, up to the size that is known.
    private func readAhead(_ feed: FileFeed) async throws -> Bool {
        let (file, place) = (self.file, self.place)
        let overlap = self.stride.length >= Self.smallestOverlapping ? FilePlace.beforeCapacity : 0
        let reads =
            self.reads
            ?? ReadAhead(
                from: self.place.offset, known: self.place.before.count, to: self.place.size, stride: self.stride.length,
                overlap: overlap, count: self.readAhead
            ) {
                try await file.read(place, at: $0, length: $1)
            }
        // What is under way beyond a piece that came short, or failed, is in the wrong place.
        self.reads = nil
        let piece: (overlap: Int, bytes: [UInt8])?
        do {
            piece = try await reads.next()
        } catch let error as PluginError where error.code == .notFound && (self.follow != nil || self.place.offset > 0) {
            // Renamed since it was listed.
            try await self.relocate(feed)
            return true
        }
        guard let (overlap, bytes) = piece else { return true }
        let known = self.place.before.suffix(overlap)
        guard bytes.count > known.count, bytes.starts(with: known) else {
            if self.follow == nil, bytes.elementsEqual(known), try await self.endsHere() {
                // Shorter than it was when it was listed.
                self.place.size = self.place.offset
            } else if !bytes.isEmpty, known.starts(with: bytes) {
                self.stride.shorten()
            } else if self.follow == nil {
                // Another file by now, or a listing of another moment.
                try await self.relocate(feed)
            } else {
                // It looks at the end anyway.
                self.place.size = self.place.offset
            }
            return true
        }
        if self.follow != nil, try await self.wasReplacedUnread(feed) { return true }
        if try await self.wasRenamedUnread(feed) { return true }
        self.give(bytes, from: known.count, feed)
        if bytes.count < self.stride.length {
            if self.place.offset < self.place.size { self.stride.shorten() }
        } else if !self.stride.lengthen() {
            self.reads = reads
        }
        return true
    }

    /// True when nothing stands at the place, where the bytes before it are still those that were read.
    private func endsHere() async throws -> Bool {
        try await self.file.read(self.place, at: self.place.offset, length: self.stride.length).isEmpty
    }

    // MARK: The end

    /// Looks at the end of the current file for what is new. One read tells all: it begins a little before the end, and what it finds
    /// there says whether it is the same file still.
    private func look(_ feed: FileFeed, _ follow: Follow) async throws -> Bool {
        let seen = follow.shared.givenByOthers
        let before = self.place.before
        if self.place.offset == 0, self.place.youngest == nil, self.place.kept == nil {
            self.place.youngest = (try? await self.file.files.list(self.file.directory)).map {
                RotatedFile(self.file.rotated(in: $0).first?.facts)
            }
        }
        if self.missing != nil, self.place.kept == nil {
            // What has come in its place is not read before it is known what it is.
            let list = try await self.list()
            guard let facts = list.first(where: { $0.name == self.place.name }) else {
                return try await self.lookForMissing(feed, follow, seen, list)
            }
            guard facts.isRegular else { throw FileFacts.notRegular }
        }
        let length = max(before.count + 1, self.file.files.readCapacity)
        let bytes: [UInt8]
        do {
            bytes = try await self.file.read(self.place, at: self.place.offset - UInt64(before.count), length: length)
        } catch let error as PluginError where error.code == .notFound {
            return try await self.lookForMissing(feed, follow, seen)
        }
        // One that gives very little at once never comes to what is new.
        let mayBeShort = bytes.count < before.count || (bytes.count == before.count && !self.isQuietForCertain())
        if mayBeShort, !before.isEmpty, !bytes.isEmpty {
            let known = UInt64(before.count)
            let all =
                try await bytes
                + self.file.bytes(
                    self.place, at: self.place.offset - known + UInt64(bytes.count),
                    count: before.count - bytes.count + FilePlace.beforeCapacity)
            // Several reads may be of two files, unless the first one's bytes are still there after them.
            if all.count > before.count,
                try await self.file.bytes(self.place, at: self.place.offset - known, count: before.count) != before
            {
                try await self.relocate(feed)
                return true
            }
            return try await self.judge(all, feed, follow, seen)
        }
        return try await self.judge(bytes, feed, follow, seen)
    }

    /// What the directory has now; nothing when it has gone.
    private func list() async throws -> [FileFacts] {
        do {
            return try await self.file.files.list(self.file.directory)
        } catch let error as PluginError where error.code == .notFound {
            return []
        }
    }

    /// Before anything was read there is nothing to know the file by: only that another one has been rotated meanwhile tells that this is not
    /// the file that was looked at. Then reading begins with the first that is new.
    private func wasReplacedUnread(_ feed: FileFeed) async throws -> Bool {
        guard self.isUnread, self.place.youngest != nil else { return false }
        return try self.beginUnread(in: await self.file.files.list(self.file.directory), feed)
    }

    /// Nothing was read of the current file, and there is nothing else to know it by.
    private var isUnread: Bool { self.place.offset == 0 && self.place.kept == nil && self.place.name == self.file.name }

    /// Begins with the first file that is new, if there is one.
    private func beginUnread(in list: [FileFacts], _ feed: FileFeed) throws -> Bool {
        guard let known = self.place.youngest else { return false }
        let rotated = self.file.rotated(in: list).map(\.facts)
        let new = rotated.prefix { RotatedFile($0) != known }
        guard let oldest = new.last else { return false }
        if known.isNone || new.count < rotated.count {
            try self.begin(oldest.name, list)
        } else {
            feed.append(.gap(.rotation))
            try self.begin(self.file.name, list)
        }
        return true
    }

    /// The same of an older file: when it is read its name may already be that of the next one.
    private func wasRenamedUnread(_ feed: FileFeed) async throws -> Bool {
        guard self.place.offset == 0, self.place.kept == nil, let begun = self.place.begun else { return false }
        let list = try await self.file.files.list(self.file.directory)
        let rotated = self.file.rotated(in: list).map(\.facts)
        let now = rotated.first { $0.name == self.place.name }
        if now.map(RotatedFile.init) == begun { return false }
        if let renamed = rotated.first(where: { RotatedFile($0) == begun }) {
            self.place.name = renamed.name
            return true
        }
        // Larger, it may have been written to a little longer. Else it was deleted or compressed.
        guard now.map(\.size) ?? 0 < begun.size else { return false }
        feed.append(.gap(.rotation))
        try self.begin(writtenAfter: begun.modified, list)
        return true
    }

    /// True when as many bytes as are compared mean that there are no more. Now and then that is not believed: a server might give just so
    /// many at once.
    private func isQuietForCertain() -> Bool {
        self.looks &+= 1
        return self.file.files.givesWholeReads || self.looks % 16 != 1
    }

    private func judge(_ bytes: [UInt8], _ feed: FileFeed, _ follow: Follow, _ seen: UInt64) async throws -> Bool {
        guard bytes.starts(with: self.place.before) else {
            try await self.relocate(feed)
            return true
        }
        let known = self.place.before.count
        if bytes.count > known {
            if try await self.wasReplacedUnread(feed) { return true }
            self.give(bytes, from: known, feed)
            return true
        }
        if let kept = self.place.kept {
            let identity = try await self.file.files.identity(of: self.path)
            if identity != kept.identity {
                // What was written before the name went is the last of it: looked for once more.
                if !self.place.isReplaced {
                    self.place.isReplaced = true
                    return true
                }
                if identity == nil { return try await self.lookForMissing(feed, follow, seen) }
                try await self.relocate(feed)
                return true
            }
        }
        self.place.isReplaced = false
        self.missing = nil
        return try await self.beQuiet(feed, follow, seen)
    }

    /// Nothing new: says so, unless that is for ever.
    private func beQuiet(_ feed: FileFeed, _ follow: Follow, _ seen: UInt64) async throws -> Bool {
        if self.taskHasEnded {
            feed.append(.end)
            return false
        }
        // Who cannot say leaves it open.
        if self.silence.isTimeToAsk(), (try? await follow.hasEnded()) == true {
            self.taskHasEnded = true
            return true
        }
        feed.append(.quiet(seen: seen))
        return false
    }

    // MARK: Files that come and go

    /// The current file is not there: it was renamed and the next one is not made yet, or the agent starts anew, or it is gone.
    private func lookForMissing(
        _ feed: FileFeed, _ follow: Follow, _ seen: UInt64, _ list: [FileFacts]? = nil
    ) async throws -> Bool {
        let since = self.missing?.since ?? .now
        let isPatient = ContinuousClock.now - since < follow.patience
        if self.missing == nil || !isPatient || self.isUnread {
            let list = if let list { list } else { try await self.list() }
            if self.isUnread {
                if try self.beginUnread(in: list, feed) { return true }
            } else if let older = try await self.find(in: list) {
                self.move(to: older)
                return true
            }
            let isRotated = self.file.hasRotated(in: list)
            if !isPatient, !isRotated {
                feed.append(.end)
                return false
            }
            self.missing = (isPatient ? since : .now, isRotated)
        }
        return try await self.beQuiet(feed, follow, seen)
    }

    /// Finds the file that was read so far under the name it has now, or a copy of it.
    private func find(in list: [FileFacts]) async throws -> FileFacts? {
        if self.place.isReplaced, let identity = self.place.kept?.identity {
            return self.file.rotated(in: list).first { $0.facts.identity == identity }?.facts
        }
        for (_, facts) in self.file.rotated(in: list) where facts.size >= self.place.offset {
            let before = self.place.before
            let bytes = try await self.file.files.bytes(
                of: self.file.path(facts.name), at: self.place.offset - UInt64(before.count), count: before.count)
            if bytes == before { return facts }
        }
        return nil
    }

    private func move(to older: FileFacts) {
        self.place.name = older.name
        self.place.size = max(older.size, self.place.offset)
        if self.place.kept?.identity != older.identity { self.place.kept = nil }
        self.place.identity = older.identity
        self.place.isReplaced = false
        self.isComplete = false
        self.missing = nil
    }

    /// The file has been replaced or cut: goes on where its rest is now, or says that it is gone.
    private func relocate(_ feed: FileFeed) async throws {
        let list = try await self.file.files.list(self.file.directory)
        if let older = try await self.find(in: list) {
            self.move(to: older)
            return
        }
        if self.place.isReplaced, let kept = self.place.kept {
            // It was deleted or compressed, and has been read to its end. What is younger was written after it.
            let modified = try await kept.modified()
            feed.append(.next)
            try self.begin(writtenAfter: modified, list)
            return
        }
        feed.append(.gap(self.file.hasRotated(in: list) ? .rotation : .truncation))
        try self.begin(self.file.name, list)
    }

    /// Goes on behind an older file that has been read to its end.
    private func goOn(_ feed: FileFeed) async throws -> Bool {
        let list = try await self.file.files.list(self.file.directory)
        if let kept = self.place.kept, !list.contains(where: { $0.name == self.place.name && $0.identity == kept.identity }) {
            // Rotated once more, or deleted: whichever, its rest is still there to read.
            guard let facts = list.first(where: { $0.identity == kept.identity }) else {
                try await self.drain(feed)
                return true
            }
            self.place.name = facts.name
        }
        let before = self.place.before
        var bytes: [UInt8] = []
        do {
            bytes = try await self.file.bytes(
                self.place, at: self.place.offset - UInt64(before.count), count: before.count + self.file.files.readCapacity)
        } catch let error as PluginError where error.code == .notFound {}
        guard bytes.starts(with: before), !bytes.isEmpty || before.isEmpty else {
            // Rotated once more.
            try await self.relocate(feed)
            return true
        }
        if bytes.count > before.count {
            if try await !self.wasRenamedUnread(feed) { self.give(bytes, from: before.count, feed) }
            return true
        }
        let own = self.file.number(of: self.place.name) ?? 1
        let younger = self.file.rotated(in: list).last { $0.number < own }
        feed.append(.next)
        try self.begin(younger?.facts.name ?? self.file.name, list)
        return true
    }

    /// Reads on in a file that has no name any more, and then goes to the next one.
    private func drain(_ feed: FileFeed) async throws {
        self.place.isReplaced = true
        let bytes = try await self.file.read(self.place, at: self.place.offset, length: self.file.files.readCapacity)
        if bytes.isEmpty { try await self.relocate(feed) } else { self.give(bytes, feed) }
    }

    /// Begins with the oldest file that is younger than one that has gone.
    private func begin(writtenAfter modified: Int64, _ list: [FileFacts]) throws {
        let younger = self.file.rotated(in: list).last { $0.facts.modified >= modified }
        try self.begin(younger?.facts.name ?? self.file.name, list)
    }

    /// Begins with another file. Throws `.notFound` for what is no regular file: reading a FIFO would hang every request of the agent's.
    private func begin(_ name: String, _ list: [FileFacts]) throws {
        let facts = list.first { $0.name == name }
        guard facts?.isRegular ?? true else { throw FileFacts.notRegular }
        self.place = FilePlace(name: name, size: facts?.size ?? 0, identity: facts?.identity)
        self.place.youngest = RotatedFile(self.file.rotated(in: list).first?.facts)
        self.place.begun = name == self.file.name ? nil : RotatedFile(facts)
        self.isComplete = false
        self.missing = nil
        self.stride = Stride(capacity: self.file.files.readCapacity)
    }
}
