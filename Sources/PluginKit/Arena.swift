internal import PluginABI

/// Owns the C copies of what an instance hands out for its whole life: routes, formats, names.
@safe
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    deinit {
        unsafe self.blocks.forEach { unsafe $0.deallocate() }
    }

    /// Copies text or bytes; the copy lives as long as the arena.
    func bytes(_ source: some Collection<UInt8>) -> loghost_bytes {
        guard !source.isEmpty else { return unsafe loghost_bytes(data: nil, size: 0) }
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: source.count)
        _ = unsafe copy.initialize(from: source)
        unsafe self.blocks.append(UnsafeMutableRawPointer(copy.baseAddress.unsafelyUnwrapped))
        return unsafe loghost_bytes(data: UnsafePointer(copy.baseAddress), size: source.count)
    }

    func bytes(_ text: String) -> loghost_bytes {
        unsafe self.bytes(text.utf8)
    }

    /// Copies C values side by side; nil for none.
    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        unsafe elements.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { unsafe copy.initialize(from: base, count: source.count) }
        }
        unsafe self.blocks.append(UnsafeMutableRawPointer(copy))
        return unsafe UnsafePointer(copy)
    }

    func filter(_ filter: Filter) -> loghost_filter {
        let clauses = unsafe filter.clauses.map { clause in
            let matches = unsafe clause.map { unsafe loghost_match(name: self.bytes($0.name), value: self.bytes($0.value)) }
            return unsafe loghost_clause(matches: self.array(matches), match_count: matches.count)
        }
        return unsafe loghost_filter(clauses: self.array(clauses), clause_count: clauses.count)
    }

    func headers(_ headers: [(name: String, value: String)]) -> (UnsafePointer<loghost_header>?, Int) {
        let list = unsafe headers.map { unsafe loghost_header(name: self.bytes($0.name), value: self.bytes($0.value)) }
        return unsafe (self.array(list), list.count)
    }
}
