internal import CSystemd
internal import Glibc
internal import PluginKit

/// A thin class over `sd_journal` that closes it, turns its results into errors and knows nothing of queries.
@safe
final class LibsystemdHandle: JournalHandle {
    private let journal: OpaquePointer
    /// How it learns of files that come and go.
    private enum Watch {
        /// libsystemd watches the directories.
        case directories
        /// The files were named one by one, and no others matter.
        case none
        /// No watch could be had (the kernel's inotify instances are used up): the files are looked for anew now and then.
        case failed
    }

    private let watch: Watch
    private let opened = ContinuousClock.now

    /// How long a handle without a watch is taken to know all files.
    private static let trusted = Duration.seconds(1)
    /// Bytes of fields read: what libsystemd has mapped is about three times as much.
    private var bytesRead = 0

    /// Which files there were when it was opened, in the pool's count.
    let generation: Int

    init(_ journal: OpaquePointer, generation: Int) {
        self.generation = generation
        unsafe self.journal = unsafe journal
        // Makes libsystemd watch the directories, so that `isOutdated` learns of new files; explicit files have no watch. The first wait does
        // not wait, and takes the present files as known: after `sd_journal_get_fd` the first news would always count as an invalidation.
        switch unsafe sd_journal_wait(journal, 0) {
        case 0...: self.watch = .directories
        case -EMEDIUMTYPE: self.watch = .none
        default: self.watch = .failed
        }
    }

    /// True when the kernel could give no watch: worth a word to the operator.
    var lacksWatch: Bool { self.watch == .failed }

    deinit { unsafe sd_journal_close(self.journal) }

    /// libsystemd does that when it is asked whether it is outdated.
    func takeInFiles() {}
    /// Cannot be told: libsystemd names no files.
    var hasPassedOver: Bool { false }

    var isOutdated: Bool {
        get throws {
            switch self.watch {
            case .directories: break
            case .none: return false
            case .failed: return ContinuousClock.now - self.opened > Self.trusted
            }
            let result = Int(try check(unsafe sd_journal_process(self.journal)))
            return result != SD_JOURNAL_NOP.intValue && result != SD_JOURNAL_APPEND.intValue
        }
    }

    func saveMemory(_ budget: Int) -> Bool { self.bytesRead <= budget }

    func limitFields(_ bytes: Int) { unsafe sd_journal_set_data_threshold(self.journal, bytes) }

    // MARK: Filter

    func setFilter(_ filter: Filter) throws {
        unsafe sd_journal_flush_matches(self.journal)
        for (number, clause) in filter.clauses.enumerated() {
            if number > 0 { try check(unsafe sd_journal_add_conjunction(self.journal)) }
            var names: [[UInt8]] = []
            for match in clause where !names.contains(match.name) { names.append(match.name) }
            // Matches of one name are alternatives by themselves; different names need to be told.
            for (index, name) in names.enumerated() {
                if index > 0 { try check(unsafe sd_journal_add_disjunction(self.journal)) }
                for match in clause where match.name == name {
                    let text = match.name + [UInt8(ascii: "=")] + match.value
                    let result = unsafe text.withUnsafeBytes {
                        unsafe sd_journal_add_match(self.journal, $0.baseAddress, $0.count)
                    }
                    if result == -EINVAL { throw PluginError(.invalid, "A filter names no legal journal field.") }
                    try check(result)
                }
            }
        }
    }

    // MARK: Position

    func seekHead() throws { try check(unsafe sd_journal_seek_head(self.journal)) }
    func seekTail() throws { try check(unsafe sd_journal_seek_tail(self.journal)) }
    func seek(realtime: UInt64) throws { try check(unsafe sd_journal_seek_realtime_usec(self.journal, realtime)) }
    func seek(_ cursor: JournalCursor) throws { try check(unsafe sd_journal_seek_cursor(self.journal, cursor.canonical)) }
    func isAt(_ cursor: JournalCursor) throws -> Bool {
        let result = unsafe sd_journal_test_cursor(self.journal, cursor.canonical)
        return result == -EADDRNOTAVAIL ? false : try check(result) > 0
    }
    func next() throws -> Bool { try check(unsafe sd_journal_next(self.journal)) > 0 }
    func previous() throws -> Bool { try check(unsafe sd_journal_previous(self.journal)) > 0 }

    func skip(_ count: Int32, _ direction: Query.Direction) throws -> Int32 {
        switch direction {
        case .forward: try check(unsafe sd_journal_next_skip(self.journal, UInt64(count)))
        case .backward: try check(unsafe sd_journal_previous_skip(self.journal, UInt64(count)))
        }
    }

    // MARK: The current entry

    func withCursor<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        var text: UnsafeMutablePointer<CChar>?
        try check(unsafe sd_journal_get_cursor(self.journal, &text))
        defer { unsafe free(text) }
        guard let text = unsafe text else { throw PluginError(.internalFault, "The journal gave no cursor.") }
        return try unsafe body(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    func realtime() throws -> UInt64 {
        var microseconds: UInt64 = 0
        try check(unsafe sd_journal_get_realtime_usec(self.journal, &microseconds))
        return microseconds
    }

    func monotonic() throws -> UInt64 {
        var microseconds: UInt64 = 0
        var boot = sd_id128_t()
        try check(unsafe sd_journal_get_monotonic_usec(self.journal, &microseconds, &boot))
        return microseconds
    }

    func forEachField(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        unsafe sd_journal_restart_data(self.journal)
        while true {
            var data: UnsafeRawPointer?
            var size = 0
            let result = unsafe sd_journal_enumerate_available_data(self.journal, &data, &size)
            // A damaged field ends the entry; the ones before it are good.
            if result == 0 || result == -EBADMSG || result == -EADDRNOTAVAIL { return }
            try check(result)
            self.bytesRead &+= size
            unsafe body(UnsafeRawBufferPointer(start: data, count: size))
        }
    }

    func field(_ name: [CChar], _ body: (UnsafeRawBufferPointer) -> Void) throws {
        var data: UnsafeRawPointer?
        var size = 0
        let result = unsafe sd_journal_get_data(self.journal, name, &data, &size)
        if result == -ENOENT || result == -EBADMSG || result == -EPROTONOSUPPORT { return }
        try check(result)
        self.bytesRead &+= size
        unsafe body(UnsafeRawBufferPointer(start: data, count: size))
    }

    /// The values a field has in the whole journal, in libsystemd's order. Throws `.limit` beyond the bounds.
    func uniqueValues(of field: String, maximumCount: Int, maximumBytes: Int) throws -> [[UInt8]] {
        try check(unsafe sd_journal_query_unique(self.journal, field))
        unsafe sd_journal_restart_unique(self.journal)
        var values: [[UInt8]] = []
        var bytes = 0
        while true {
            var data: UnsafeRawPointer?
            var size = 0
            let result = unsafe sd_journal_enumerate_available_unique(self.journal, &data, &size)
            if result == 0 { return values }
            try check(result)
            let value = unsafe UnsafeRawBufferPointer(start: data, count: size).dropFirst(field.utf8.count + 1)
            unsafe bytes += value.count
            guard values.count < maximumCount, bytes <= maximumBytes else {
                throw PluginError(.limit, "The field \(field) has too many different values.")
            }
            unsafe values.append(Array(value))
        }
    }
}

/// Turns a negative result into an error.
@discardableResult
@inline(__always)
private func check(_ result: Int32) throws -> Int32 {
    if result >= 0 { return result }
    throw failure(-result)
}

private func failure(_ code: Int32) -> PluginError {
    switch code {
    case EMFILE, ENFILE, ENOMEM: PluginError(.unavailable, "The journal needs more than this process may have.", retryable: true)
    default: PluginError(.internalFault, "The journal cannot be read (error \(code)).", retryable: true)
    }
}

extension BinaryInteger {
    fileprivate var intValue: Int { Int(self) }
}

extension RawRepresentable where RawValue: BinaryInteger {
    fileprivate var intValue: Int { Int(self.rawValue) }
}
