internal import PluginABI

/// A reader behind an opaque pointer, with the memory of what it says.
final class ReaderBox {
    private let reader: BatchReader
    private let host: Host
    private var gapBytes = Arena()

    init(_ reader: any LogReader, host: Host) {
        self.reader = BatchReader(reader)
        self.host = host
    }

    /// Ends it: nothing is read after this.
    func end() { self.reader.end() }

    func read(
        _ limits: loghost_read_limits, _ result: UnsafeMutablePointer<loghost_read_result>,
        _ error: UnsafeMutablePointer<loghost_error>?
    ) -> Int32 {
        unsafe result.pointee.entry_count = 0
        do {
            let outcome = try self.reader.read(
                ReadLimits(
                    entries: Int(limits.max_entries), bytes: Int(clamping: limits.max_bytes),
                    searching: .microseconds(Int64(clamping: limits.max_microseconds)),
                    valueBytes: Int(clamping: limits.max_value_bytes)))
            switch outcome {
            case .batch:
                unsafe (result.pointee.entries, result.pointee.entry_count) = unsafe self.reader.entries()
                return Int32(LOGHOST_READ_BATCH)
            case .pending:
                return Int32(LOGHOST_READ_PENDING)
            case .caughtUp(let recheck):
                unsafe result.pointee.recheck_after_microseconds = recheck.map { max($0.microseconds, 1) } ?? 0
                return Int32(LOGHOST_READ_CAUGHT_UP)
            case .end:
                return Int32(LOGHOST_READ_END)
            case .gap(let gap):
                self.gapBytes = Arena()
                unsafe result.pointee.gap = unsafe loghost_gap(
                    cause: gap.cause.rawValue, reserved: 0, from: self.gapBytes.bytes(gap.from), to: self.gapBytes.bytes(gap.to),
                    count: gap.count ?? .max)
                return Int32(LOGHOST_READ_GAP)
            }
        } catch let failure {
            self.host.report(failure, in: "read")
            unsafe error?.fill(failure)
            return Int32(LOGHOST_READ_ERROR)
        }
    }
}

extension Duration {
    /// Whole microseconds, clamped.
    var microseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : whole + UInt64(attoseconds / 1_000_000_000_000)
    }
}
