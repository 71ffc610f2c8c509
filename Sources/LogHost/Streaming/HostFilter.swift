internal import Glibc
package import PluginABI

/// Evaluates a filter on entries whose source does not.
package struct HostFilter {
    let filter: LogFilter

    package init(filter: LogFilter) {
        self.filter = filter
    }

    /// True when the entry passes. A value in pieces never matches: a match is of the whole value.
    package func passes(_ entry: UnsafePointer<loghost_entry>) -> Bool {
        var count = unsafe Int(entry.pointee.field_count)
        if unsafe Int(entry.pointee.flags) & LOGHOST_ENTRY_CONTINUES != 0 { count -= 1 }
        let fields = unsafe UnsafeBufferPointer(start: entry.pointee.fields, count: max(count, 0))
        return self.filter.clauses.allSatisfy { clause in
            clause.contains { match in
                unsafe fields.contains { unsafe isEqual($0.name, match.name) && isEqual($0.value, match.value) }
            }
        }
    }
}

/// Compares all bytes.
func isEqual(_ bytes: loghost_bytes, _ other: [UInt8]) -> Bool {
    guard unsafe bytes.size == other.count else { return false }
    guard let data = unsafe bytes.data, !other.isEmpty else { return other.isEmpty }
    return unsafe memcmp(data, other, other.count) == 0
}
