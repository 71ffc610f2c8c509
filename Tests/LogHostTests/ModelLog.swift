import PluginABI
import TestSupport

/// A log in memory behind the real C interface, with every liberty the interface allows a source: entries become visible late, some sort
/// before others that are there already, old ones go, everything is cut off and cursors occur again, reads fail.
@safe
final class ModelLog {
    struct Entry {
        /// Its place in the order, and its cursor.
        var key: Int
        var id: Int
        var kind: Int
    }

    /// What a schedule may do.
    var random: SeededInputs
    /// In their order.
    private(set) var entries: [Entry] = []
    /// Written, but not seen by any reader yet.
    private(set) var hidden: [Entry] = []
    /// The newest entry that went while it was among the oldest.
    private(set) var vacuumed = 0
    /// Counts the truncations.
    private(set) var generation = 0
    private(set) var largestKey = 0
    private var nextID = 1
    /// After a truncation the same cursors come again.
    let cursorsRecur: Bool
    /// True for a source that evaluates filters and skips itself.
    let appliesQuery: Bool
    /// Reads fail with this probability, in hundredths.
    var failures: UInt64 = 0
    fileprivate(set) var openReaders = 0
    /// Where the newest reader began.
    private(set) var lastOpenedPosition = 0

    init(random: SeededInputs, appliesQuery: Bool, cursorsRecur: Bool) {
        self.cursorsRecur = cursorsRecur
        self.random = random
        self.appliesQuery = appliesQuery
    }

    /// An entry's cursor, in the present generation.
    fileprivate func cursor(_ key: Int) -> String { self.cursorsRecur ? "c\(key)" : "g\(self.generation)c\(key)" }

    fileprivate func key(of cursor: String) -> Int? {
        self.entries.first { self.cursor($0.key) == cursor }?.key
    }

    /// Writes an entry behind all others. It shows up when some reader looks.
    func append() -> Entry {
        self.largestKey += 10
        return self.write(self.largestKey)
    }

    /// Writes an entry that sorts before the newest.
    func appendLate() -> Entry? {
        let key = self.largestKey - Int(self.random.next() % 25) - 1
        guard key > self.vacuumed, key > 0, !(self.entries + self.hidden).contains(where: { $0.key == key }) else { return nil }
        return self.write(key)
    }

    private func write(_ key: Int) -> Entry {
        let entry = Entry(key: key, id: self.nextID, kind: Int(self.random.next() % 3))
        self.nextID += 1
        self.hidden.append(entry)
        return entry
    }

    /// Removes the oldest entries. Returns them.
    func vacuum(_ count: Int) -> [Entry] {
        let gone = Array(self.entries.prefix(count))
        self.entries.removeFirst(gone.count)
        if let last = gone.last { self.vacuumed = max(self.vacuumed, last.key) }
        return gone
    }

    /// Starts the log anew. Returns what was in it.
    func truncate() -> [Entry] {
        let gone = self.entries + self.hidden
        self.entries = []
        self.hidden = []
        self.largestKey = 0
        self.vacuumed = 0
        self.generation += 1
        return gone
    }

    /// Makes what was written before visible, all of it or the first part: to this reader, and so to all that read later.
    fileprivate func reveal() {
        let count = self.random.next() % 3 == 0 ? Int(self.random.next() % UInt64(self.hidden.count + 1)) : self.hidden.count
        self.entries = (self.entries + self.hidden.prefix(count)).sorted { $0.key < $1.key }
        self.hidden.removeFirst(count)
    }

    /// Makes everything visible.
    func revealAll() {
        self.entries = (self.entries + self.hidden).sorted { $0.key < $1.key }
        self.hidden = []
    }
}

/// One reader of a model log.
@safe
private final class ModelReader {
    let log: ModelLog
    let kind: Int?
    /// The key of the last entry passed.
    var position: Int
    var generation: Int
    private let memory = ModelMemory()

    init(_ log: ModelLog, position: Int, kind: Int?) {
        self.log = log
        self.position = position
        self.generation = log.generation
        self.kind = kind
        log.openReaders += 1
    }

    deinit { self.log.openReaders -= 1 }

    func read(_ limits: loghost_read_limits, _ result: inout loghost_read_result) -> Int {
        self.memory.clear()
        let log = self.log
        if log.failures > 0, log.random.next() % 100 < log.failures { return LOGHOST_READ_ERROR }
        log.reveal()
        if self.generation != log.generation {
            self.generation = log.generation
            let from = self.position
            self.position = 0
            unsafe result.gap = unsafe self.memory.gap(LOGHOST_GAP_TRUNCATION, from: "c\(from)", to: nil)
            return LOGHOST_READ_GAP
        }
        if self.position < log.vacuumed {
            let from = self.position
            self.position = log.vacuumed
            unsafe result.gap = unsafe self.memory.gap(
                LOGHOST_GAP_VACUUM, from: log.cursor(from), to: log.entries.first.map { log.cursor($0.key) })
            return LOGHOST_READ_GAP
        }
        var news = log.entries.filter { $0.key > self.position }
        guard !news.isEmpty else { return LOGHOST_READ_CAUGHT_UP }
        news = Array(news.prefix(Int(log.random.next() % 4)))
        if let last = news.last { self.position = last.key }
        if let kind { news.removeAll { $0.kind != kind } }
        unsafe self.memory.fill(&result, news) { log.cursor($0) }
        return LOGHOST_READ_BATCH
    }
}

/// The memory a reader lends.
@safe
private final class ModelMemory {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    deinit { self.clear() }

    func clear() {
        unsafe self.blocks.forEach { unsafe $0.deallocate() }
        unsafe self.blocks = unsafe []
    }

    private func bytes(_ text: String) -> loghost_bytes {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
        _ = unsafe copy.initialize(from: text.utf8)
        guard let base = copy.baseAddress else { return unsafe loghost_bytes() }
        unsafe self.blocks.append(UnsafeMutableRawPointer(base))
        return unsafe loghost_bytes(data: UnsafePointer(base), size: text.utf8.count)
    }

    private func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element>? {
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        for (index, element) in elements.enumerated() { unsafe (copy + index).initialize(to: element) }
        unsafe self.blocks.append(UnsafeMutableRawPointer(copy))
        return unsafe UnsafePointer(copy)
    }

    func fill(_ result: inout loghost_read_result, _ entries: [ModelLog.Entry], cursor: (Int) -> String) {
        let list = unsafe entries.map { entry in
            let fields = unsafe [
                loghost_field(name: self.bytes("ID"), value: self.bytes("\(entry.id)")),
                loghost_field(name: self.bytes("KIND"), value: self.bytes("\(entry.kind)")),
            ]
            return unsafe loghost_entry(
                cursor: self.bytes(cursor(entry.key)), realtime_microseconds: UInt64(entry.key), monotonic_microseconds: 0,
                fields: self.array(fields), field_count: UInt32(fields.count), flags: 0)
        }
        unsafe result.entries = unsafe self.array(list)
        unsafe result.entry_count = entries.count
    }

    func gap(_ cause: Int, from: String, to: String?) -> loghost_gap {
        unsafe loghost_gap(
            cause: UInt32(cause), reserved: 0, from: self.bytes(from), to: self.bytes(to ?? ""), count: .max)
    }
}

// MARK: The C interface

extension ModelLog {
    /// The log as the host sees an instance.
    var instance: OpaquePointer { unsafe OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    private static func of(_ instance: OpaquePointer?) -> ModelLog? {
        guard let instance = unsafe instance else { return nil }
        return unsafe Unmanaged<ModelLog>.fromOpaque(UnsafeRawPointer(instance)).takeUnretainedValue()
    }

    private func open(_ query: loghost_query) -> Result<(reader: ModelReader, skipped: UInt64, applied: Int), ModelFailure> {
        self.reveal()
        var kind: Int?
        if self.appliesQuery, unsafe query.filter.clause_count > 0 {
            kind = unsafe query.filter.clauses.flatMap { unsafe $0.pointee.matches }.flatMap {
                unsafe Int($0.pointee.value.string)
            }
        }
        let seen = self.entries.filter { kind == nil || $0.kind == kind }
        var position: Int
        switch unsafe Int(query.start) {
        case LOGHOST_START_TAIL: position = max(self.entries.last?.key ?? 0, self.vacuumed)
        case LOGHOST_START_CURSOR:
            guard let key = unsafe self.key(of: query.cursor.string) else {
                return .failure(ModelFailure(code: LOGHOST_ERROR_CURSOR_GONE))
            }
            position = key
        default: position = self.vacuumed
        }
        self.lastOpenedPosition = position
        guard self.appliesQuery else { return .success((ModelReader(self, position: position, kind: nil), 0, 0)) }
        var skipped: UInt64 = 0
        if unsafe query.skip < 0 {
            let before = seen.filter { $0.key <= position }
            skipped = unsafe min(UInt64(before.count), query.skip.magnitude)
            position = before.count > skipped ? before[before.count - Int(skipped) - 1].key : self.vacuumed
        }
        let applied = LOGHOST_APPLIED_FILTER | LOGHOST_APPLIED_SKIP
        return .success((ModelReader(self, position: position, kind: kind), skipped, applied))
    }

    /// The functions of the source. They live as long as the process.
    nonisolated(unsafe) static let functions: UnsafePointer<loghost_source> = {
        let functions = UnsafeMutablePointer<loghost_source>.allocate(capacity: 1)
        unsafe functions.initialize(
            to: loghost_source(
                size: UInt32(MemoryLayout<loghost_source>.size), reserved: 0,
                routes: { _, count in
                    unsafe count?.pointee = 0
                    return nil
                },
                resolve: { _, _, _, _, _, _ in },
                open: { instance, operation, _, query, _, _, done, context in
                    guard let log = unsafe ModelLog.of(instance), let query = unsafe query?.pointee, let done = unsafe done else {
                        return
                    }
                    switch unsafe log.open(query) {
                    case .success(let (reader, skipped, applied)):
                        var opened = unsafe loghost_opened(
                            size: UInt32(MemoryLayout<loghost_opened>.size), applied: UInt32(applied),
                            reader: OpaquePointer(Unmanaged.passRetained(reader).toOpaque()), skipped: skipped)
                        _ = unsafe done(context, operation, &opened, nil)
                    case .failure(let failure):
                        var error = loghost_error()
                        error.size = UInt32(MemoryLayout<loghost_error>.size)
                        error.code = Int32(failure.code)
                        _ = unsafe done(context, operation, nil, &error)
                    }
                },
                cancel: nil,
                read: { reader, limits, result, error in
                    guard let reader = unsafe reader, let limits = unsafe limits?.pointee, let result = unsafe result else {
                        return Int32(LOGHOST_READ_ERROR)
                    }
                    let model = unsafe Unmanaged<ModelReader>.fromOpaque(UnsafeRawPointer(reader)).takeUnretainedValue()
                    return unsafe Int32(model.read(limits, &result.pointee))
                },
                close: { reader in
                    guard let reader = unsafe reader else { return }
                    unsafe Unmanaged<ModelReader>.fromOpaque(UnsafeRawPointer(reader)).release()
                }))
        return unsafe UnsafePointer(functions)
    }()
}

private struct ModelFailure: Error {
    var code: Int
}

extension loghost_bytes {
    fileprivate var string: String {
        unsafe String(decoding: UnsafeBufferPointer(start: self.data, count: self.size), as: UTF8.self)
    }
}
