internal import PluginKit

/// One file as a log, together with the older ones it was renamed to when it was rotated.
struct LogFile: Sendable {
    let files: any SandboxFiles
    /// Absolute.
    let directory: String
    let name: String

    /// Where a file of this name lies, the current one or an older one.
    func path(_ name: String) -> String { "\(self.directory)/\(name)" }

    /// Reads the file of a place: the one that is kept, or else the one that has its name now.
    func read(_ place: FilePlace, at offset: UInt64, length: Int) async throws -> [UInt8] {
        if let kept = place.kept { return try await kept.read(at: offset, length: length) }
        return try await self.files.read(self.path(place.name), at: offset, length: length)
    }

    /// Reads so many bytes of it, fewer only at the end of the file.
    func bytes(_ place: FilePlace, at offset: UInt64, count: Int) async throws -> [UInt8] {
        if let kept = place.kept { return try await kept.read(at: offset, length: count) }
        return try await self.files.bytes(of: self.path(place.name), at: offset, count: count)
    }

    /// Looks for the file. Nil when it is between two rotations: renamed, and the next one not made yet. Throws `.notFound` when there is
    /// none that may be read.
    func find(in list: [FileFacts]) throws -> FileFacts? {
        if let facts = list.first(where: { $0.name == self.name }) {
            guard facts.isRegular else { throw FileFacts.notRegular }
            return facts
        }
        guard !self.rotated(in: list).isEmpty else { throw PluginError(.notFound, "The file is not there.") }
        return nil
    }

    /// Earlier files of this name that can be read, the youngest first: `stdout.1`, `stdout.2`.
    func rotated(in list: [FileFacts]) -> [(number: Int, facts: FileFacts)] {
        var found: [(number: Int, facts: FileFacts)] = []
        for facts in list where facts.isRegular {
            if let number = self.number(of: facts.name) { found.append((number, facts)) }
        }
        return found.sorted { $0.number < $1.number }
    }

    /// True when there are earlier files, readable or not: `stdout.1.gz`.
    func hasRotated(in list: [FileFacts]) -> Bool {
        list.contains { $0.name.hasPrefix("\(self.name).") || $0.name.hasPrefix("\(self.name)-") }
    }

    /// The place of an earlier file in the order of ages; nil for another file.
    func number(of name: String) -> Int? {
        guard name.hasPrefix("\(self.name).") else { return nil }
        let digits = name.dropFirst(self.name.count + 1)
        guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !digits.hasPrefix("0")
        else { return nil }
        return Int(digits)
    }
}

/// A place in a file, with what is known around it.
struct FilePlace: Sendable {
    /// The current file's name, or that of an older one.
    var name: String
    var offset: UInt64 = 0
    var prefix = FilePrefix()
    /// What stands just before the offset: whoever finds something else there later reads another file.
    var before: [UInt8] = []
    /// The file's size, as far as it is known: at least so much can be read.
    var size: UInt64 = 0
    /// Which file the name meant, where that is known.
    var identity: FileIdentity?
    /// The file itself, where it can be kept.
    var kept: KeptFile?
    /// Another file has its name, or none: it will not be written any more.
    var isReplaced = false
    /// The youngest of the older files when this one was begun; nil when nobody has looked.
    var youngest: RotatedFile?

    /// What an older file was when it was begun; nil for the current one.
    var begun: RotatedFile?

    /// What is compared; more than a line's time and level, so that two files hardly agree by chance.
    static let beforeCapacity = 64

    /// Moves over bytes that were read at the offset.
    mutating func pass(_ bytes: ArraySlice<UInt8>) {
        self.prefix.extend(bytes, at: self.offset)
        self.offset += UInt64(bytes.count)
        self.size = max(self.size, self.offset)
        self.before = Array(
            (bytes.count >= Self.beforeCapacity ? bytes : (self.before + bytes)[...]).suffix(Self.beforeCapacity))
    }

    /// True when the place lies inside a line.
    var isInsideLine: Bool { self.offset > 0 && self.before.last != UInt8(ascii: "\n") }
}

/// What an older file is known by while its name changes: nothing writes it any more.
struct RotatedFile: Hashable, Sendable {
    let size: UInt64
    let modified: Int64

    /// Nil stands for none.
    init(_ facts: FileFacts?) {
        self.size = facts?.size ?? 0
        self.modified = facts?.modified ?? .min
    }

    var isNone: Bool { self.modified == .min }
}
