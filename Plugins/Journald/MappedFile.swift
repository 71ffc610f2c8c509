internal import Glibc
internal import Synchronization

/// What a journal file says cannot be, or only libsystemd can read it.
struct JournalDamage: Error {}

/// The types of objects, as the journal's file format numbers them.
enum ObjectType: UInt8 {
    case data = 1
    case entry = 3
    case entryArray = 6
}

/// A journal file, mapped: its header and its objects, with every offset checked before it is followed.
///
/// journald goes on writing into it. It completes what it appends before it counts it, so it is enough to read counts before what they
/// count, and to take what is not there yet for not counted.
@safe
final class MappedFile: Sendable {
    enum Failure: Error {
        /// This process may not, or there is no such file any more.
        case unreadable
        /// It is being made, or is no journal.
        case incomplete
        /// The process may have no more descriptors or memory.
        case exhausted
        /// libsystemd reads what it has, and this does not.
        case foreign
    }

    let identity: FileIdentity
    // Only read, by any thread, and mapped until the last reference has gone.
    nonisolated(unsafe) private let start: UnsafeRawPointer
    private let descriptor: Int32
    /// How far the mapping goes: beyond the end of a file that still grows.
    private let mapped: UInt64
    /// Its size when last looked at.
    private let size: Atomic<UInt64>
    private let outgrown = Atomic(false)
    let headerSize: UInt64
    /// Offsets have 32 bits.
    let isCompact: Bool
    /// The key of its hashes.
    let key: (UInt64, UInt64)

    // The header, as the format has it.
    private static let headerCapacity: UInt64 = 4_096
    private static let smallestHeader: UInt64 = 208
    /// No journal file is larger.
    private static let largest: UInt64 = 1 << 46
    private static let keyedHash: UInt32 = 4
    private static let compressedZstandard: UInt32 = 8
    private static let compact: UInt32 = 16
    private static let online: UInt8 = 1

    /// Room for a file to grow without being mapped anew. Addresses cost nothing.
    private static let reserve: UInt64 = 256 << 20

    init(_ path: String) throws(Failure) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            switch errno {
            case EACCES, EPERM, ENOENT, ELOOP, ENOTDIR: throw .unreadable
            case EMFILE, ENFILE, ENOMEM: throw .exhausted
            default: throw .foreign
            }
        }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG,
            facts.st_size >= Int(Self.smallestHeader)
        else {
            close(descriptor)
            throw .incomplete
        }
        let size = UInt64(facts.st_size)
        guard size <= Self.largest else {
            close(descriptor)
            throw .foreign
        }
        let mapped = max(2 * size, Self.reserve)
        let mapping = unsafe mmap(nil, Int(mapped), PROT_READ, MAP_SHARED, descriptor, 0)
        guard let start = unsafe mapping, unsafe start != MAP_FAILED else {
            close(descriptor)
            throw .exhausted
        }
        unsafe self.start = UnsafeRawPointer(start)
        self.descriptor = descriptor
        self.mapped = mapped
        self.size = Atomic(size)
        self.identity = FileIdentity(facts)
        func word(_ offset: Int) -> UInt64 {
            unsafe UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        let flags = unsafe UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        self.headerSize = word(88)
        self.isCompact = flags & Self.compact != 0
        self.key = (word(24), word(32))
        let arena = word(96)
        guard unsafe memcmp(start, "LPKSHHRH", 8) == 0,
            self.headerSize >= Self.smallestHeader, self.headerSize <= Self.headerCapacity, self.headerSize & 7 == 0,
            arena <= Self.largest, self.has(self.headerSize + arena, at: 0), word(104) > 0, word(120) > 0
        else { throw .incomplete }
        let known = Self.keyedHash | Self.compact | (Zstandard.installed == nil ? 0 : Self.compressedZstandard)
        guard flags & ~known == 0, flags & Self.keyedHash != 0 else { throw .foreign }
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(mutating: self.start), Int(self.mapped))
        close(self.descriptor)
    }

    /// True when it has grown beyond what is mapped of it, or has been deleted: journald overwrites what it deletes.
    var isStale: Bool { self.look().map(self.isStale(as:)) ?? true }

    /// The same, of a file whose facts are known already.
    func isStale(as facts: stat) -> Bool {
        facts.st_nlink == 0 || UInt64(max(facts.st_size, 0)) > self.mapped || self.isOutgrown
    }

    /// True when something was looked for beyond what is mapped, and is there.
    var isOutgrown: Bool { self.outgrown.load(ordering: .relaxed) }

    /// Its facts now; takes note of its size.
    private func look() -> stat? {
        var facts = stat()
        guard unsafe fstat(self.descriptor, &facts) == 0 else { return nil }
        if facts.st_size > 0 { self.size.store(min(UInt64(facts.st_size), self.mapped), ordering: .relaxed) }
        return facts
    }

    /// Whose sequence numbers its entries have; settled with the first of them.
    var sequence: ID128 { ID128(self.header(72), self.header(80)) }

    /// The numbers of its first and its last entry; 0 without entries.
    var numbers: (first: UInt64, last: UInt64) { (self.header(168), self.header(160)) }

    /// True when its first entry belongs before another, as far as its header tells.
    func begins(before place: JournalCursor) -> Bool {
        let first = self.numbers.first
        guard first > 0 else { return false }
        return self.sequence == place.sequence ? first < place.number : self.header(184) <= place.realtime
    }

    @inline(__always)
    private func header(_ offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: self.start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Gives the pages back that reading has brought into this process's memory; they stay in the system's.
    func release() {
        unsafe _ = madvise(UnsafeMutableRawPointer(mutating: self.start), Int(self.mapped), MADV_DONTNEED)
    }

    /// Somebody is writing into it.
    var isOnline: Bool { unsafe self.start.load(fromByteOffset: 16, as: UInt8.self) == Self.online }

    // MARK: Bytes

    @inline(__always)
    private func has(_ count: UInt64, at offset: UInt64) -> Bool {
        let end = offset &+ count
        return end >= offset && (end <= self.size.load(ordering: .relaxed) || self.hasGrown(to: end))
    }

    @inline(never)
    private func hasGrown(to end: UInt64) -> Bool {
        guard let facts = self.look(), facts.st_size > 0, end <= UInt64(facts.st_size) else { return false }
        if end > self.mapped { self.outgrown.store(true, ordering: .relaxed) }
        return end <= self.mapped
    }

    @inline(__always)
    func word(_ offset: UInt64) throws(JournalDamage) -> UInt64 {
        guard self.has(8, at: offset) else { throw JournalDamage() }
        return unsafe UInt64(littleEndian: self.start.loadUnaligned(fromByteOffset: Int(offset), as: UInt64.self))
    }

    @inline(__always)
    func halfWord(_ offset: UInt64) throws(JournalDamage) -> UInt64 {
        guard self.has(4, at: offset) else { throw JournalDamage() }
        return unsafe UInt64(UInt32(littleEndian: self.start.loadUnaligned(fromByteOffset: Int(offset), as: UInt32.self)))
    }

    /// An offset that stands somewhere, as wide as this file has them.
    @inline(__always)
    func reference(_ offset: UInt64) throws(JournalDamage) -> UInt64 {
        self.isCompact ? try self.halfWord(offset) : try self.word(offset)
    }

    /// True when there may be an entry at an offset.
    @inline(__always)
    func mayHaveEntry(at offset: UInt64) -> Bool { offset & 7 == 0 && offset >= self.headerSize && self.has(64, at: offset) }

    /// A count of what is read after it.
    @inline(__always)
    func count(_ offset: UInt64) throws(JournalDamage) -> UInt64 {
        let count = try self.word(offset)
        // Whatever is counted has at least 16 bytes.
        guard count <= self.mapped / 16 else { throw JournalDamage() }
        atomicMemoryFence(ordering: .acquiring)
        return count
    }

    /// Lends bytes; they lie there as long as the file does.
    @inline(__always)
    func bytes(_ offset: UInt64, count: UInt64) throws(JournalDamage) -> UnsafeRawBufferPointer {
        guard count <= UInt64(Int.max), self.has(count, at: offset) else { throw JournalDamage() }
        return unsafe UnsafeRawBufferPointer(start: self.start + Int(offset), count: Int(count))
    }

    // MARK: Objects

    /// The size of an object that must be of a type, and lie wholly in the file.
    @inline(__always)
    func size(of type: ObjectType, at offset: UInt64) throws(JournalDamage) -> UInt64 {
        guard offset & 7 == 0, offset >= self.headerSize, self.has(16, at: offset),
            unsafe self.start.load(fromByteOffset: Int(offset), as: UInt8.self) == type.rawValue
        else { throw JournalDamage() }
        let size = try self.word(offset &+ 8)
        guard size >= 16, self.has(size, at: offset) else { throw JournalDamage() }
        return size
    }

    /// An object's flags: how it is compressed.
    @inline(__always)
    func flags(at offset: UInt64) -> UInt8 { unsafe self.start.load(fromByteOffset: Int(offset &+ 1), as: UInt8.self) }

    /// What names and orders an entry.
    @inline(__always)
    func cursor(_ entry: UInt64) throws(JournalDamage) -> JournalCursor {
        guard try self.size(of: .entry, at: entry) >= 64 else { throw JournalDamage() }
        let number = try self.word(entry + 16)
        guard number > 0 else { throw JournalDamage() }
        return JournalCursor(
            sequence: self.sequence, number: number, boot: ID128(try self.word(entry + 40), try self.word(entry + 48)),
            monotonic: try self.word(entry + 32), realtime: try self.word(entry + 24), hash: try self.word(entry + 56))
    }
}
