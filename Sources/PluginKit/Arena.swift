internal import PluginABI

/// Owns the C copies of what an instance hands out for its whole life: routes, formats, names.
@safe
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    /// What is left of the last block.
    private var rest = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// A call lends some twenty short texts: a block for each would cost more than the call.
    private static let blockBytes = 2048

    deinit {
        unsafe self.blocks.forEach { unsafe $0.deallocate() }
    }

    private func allocate(_ count: Int, alignment: Int) -> UnsafeMutableRawPointer {
        if let start = unsafe self.rest.baseAddress {
            let aligned = unsafe start.alignedUp(toMultipleOf: alignment)
            let used = unsafe (aligned - start) + count
            if unsafe used <= self.rest.count {
                unsafe self.rest = unsafe UnsafeMutableRawBufferPointer(rebasing: self.rest[used...])
                return unsafe aligned
            }
        }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(Self.blockBytes, count), alignment: 16)
        guard let start = block.baseAddress else { preconditionFailure("a block has an address") }
        unsafe self.blocks.append(start)
        unsafe self.rest = unsafe UnsafeMutableRawBufferPointer(rebasing: block[count...])
        return unsafe start
    }

    /// Copies text or bytes; the copy lives as long as the arena.
    func bytes(_ source: some Collection<UInt8>) -> loghost_bytes {
        guard !source.isEmpty else { return unsafe loghost_bytes(data: nil, size: 0) }
        let count = source.count
        let copy = unsafe self.allocate(count, alignment: 1).bindMemory(to: UInt8.self, capacity: count)
        _ = unsafe UnsafeMutableBufferPointer(start: copy, count: count).initialize(from: source)
        return unsafe loghost_bytes(data: copy, size: count)
    }

    func bytes(_ text: String) -> loghost_bytes {
        unsafe self.bytes(text.utf8)
    }

    /// Copies C values side by side; nil for none.
    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let memory = unsafe self.allocate(
            MemoryLayout<Element>.stride * elements.count, alignment: MemoryLayout<Element>.alignment)
        let copy = unsafe memory.bindMemory(to: Element.self, capacity: elements.count)
        unsafe elements.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { unsafe copy.initialize(from: base, count: source.count) }
        }
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
