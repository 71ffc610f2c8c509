package import PluginABI

extension loghost_bytes {
    /// The bytes in place; none when a plugin names no memory, or more than there can be.
    var buffer: UnsafeBufferPointer<UInt8> {
        guard let data = unsafe self.data, unsafe self.size > 0 else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeBufferPointer(start: data, count: self.size)
    }

    /// Copies the bytes out.
    var array: [UInt8] {
        unsafe Array(self.buffer)
    }

    /// Copies the bytes out as text; what is not UTF-8 becomes U+FFFD.
    var text: String {
        unsafe String(decoding: self.buffer, as: UTF8.self)
    }
}

/// Owns the C copies of what the host lends to a plugin: queries, requests, names.
@safe
package final class CMemory {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    /// What is left of the last block.
    private var rest = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// A call lends some twenty short texts: a block for each would cost more than the call.
    private static let blockBytes = 2048

    package init() {}

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

    /// Copies text or bytes; the copy lives as long as this object.
    package func bytes(_ source: some Collection<UInt8>) -> loghost_bytes {
        guard !source.isEmpty else { return unsafe loghost_bytes(data: nil, size: 0) }
        let count = source.count
        let copy = unsafe self.allocate(count, alignment: 1).bindMemory(to: UInt8.self, capacity: count)
        _ = unsafe UnsafeMutableBufferPointer(start: copy, count: count).initialize(from: source)
        return unsafe loghost_bytes(data: copy, size: count)
    }

    package func bytes(_ text: String) -> loghost_bytes {
        unsafe self.bytes(text.utf8)
    }

    /// Copies one C value.
    func copy<Element: BitwiseCopyable>(_ value: Element) -> UnsafePointer<Element> {
        let memory = unsafe self.allocate(MemoryLayout<Element>.size, alignment: MemoryLayout<Element>.alignment)
        let copy = unsafe memory.bindMemory(to: Element.self, capacity: 1)
        unsafe copy.initialize(to: value)
        return unsafe UnsafePointer(copy)
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

    package func filter(_ filter: LogFilter) -> loghost_filter {
        let clauses = unsafe filter.clauses.map { clause in
            let matches = unsafe clause.map { unsafe loghost_match(name: self.bytes($0.name), value: self.bytes($0.value)) }
            return unsafe loghost_clause(matches: self.array(matches), match_count: matches.count)
        }
        return unsafe loghost_filter(clauses: self.array(clauses), clause_count: clauses.count)
    }
}

extension LogFilter {
    init(_ filter: loghost_filter) {
        unsafe self.init(
            clauses: UnsafeBufferPointer(start: filter.clauses, count: filter.clause_count).map { clause in
                unsafe UnsafeBufferPointer(start: clause.matches, count: clause.match_count).map {
                    unsafe LogMatch(name: $0.name.array, value: $0.value.array)
                }
            })
    }
}
