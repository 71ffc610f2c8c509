internal import PluginABI

/// Evaluates a filter on entries whose source does not.
struct HostFilter {
    let filter: LogFilter

    /// True when the entry passes. A value in pieces never matches: a match is of the whole value.
    func passes(_ entry: UnsafePointer<loghost_entry>) -> Bool {
        let fields = unsafe UnsafeBufferPointer(start: entry.pointee.fields, count: Int(entry.pointee.field_count))
        return self.filter.clauses.allSatisfy { clause in
            clause.contains { match in
                unsafe fields.contains { unsafe equal($0.name, match.name) && equal($0.value, match.value) }
            }
        }
    }
}

private func equal(_ bytes: loghost_bytes, _ other: [UInt8]) -> Bool {
    unsafe bytes.size == other.count && UnsafeBufferPointer(start: bytes.data, count: bytes.size).elementsEqual(other)
}
