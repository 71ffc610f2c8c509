internal import NIOCore
internal import PluginABI

/// One reader of a source. Used by one task at a time, on worker threads.
// The answer that holds the handle calls `read` and `close` one after the other; nobody else has the pointer.
@safe
package final class ReaderHandle: @unchecked Sendable {
    private var reader: OpaquePointer?
    private let functions: UnsafePointer<loghost_source>
    private let metrics: PluginMetrics?

    init(_ reader: OpaquePointer, functions: UnsafePointer<loghost_source>, metrics: PluginMetrics?) {
        self.metrics = metrics
        unsafe self.reader = unsafe reader
        unsafe self.functions = unsafe functions
    }

    deinit { self.close() }

    /// What one read has given.
    @safe
    enum Reading {
        /// Borrowed until the next read.
        case batch(UnsafeBufferPointer<loghost_entry>)
        /// More when the source wakes us.
        case pending
        /// Nothing newer now; look again on a wake, or after so long (0 = only on a wake).
        case caughtUp(recheckMicroseconds: UInt64)
        case end
        case gap(GapEvent)
        case failed(PluginFailure)
    }

    /// Reads on.
    func read(_ limits: loghost_read_limits) -> Reading {
        assert(WorkerPool.isCurrent, "read is a [worker] function")
        guard let reader = unsafe self.reader else { return .end }
        var limits = limits
        var result = unsafe loghost_read_result()
        unsafe result.size = unsafe UInt32(MemoryLayout<loghost_read_result>.size)
        var error = PluginFailure.fresh()
        let start = NIODeadline.now()
        let answer = unsafe Int(self.functions.pointee.read(reader, &limits, &result, &error))
        self.metrics?.record(.read, since: start)
        switch answer {
        case LOGHOST_READ_BATCH:
            let count = unsafe result.entries == nil ? 0 : result.entry_count
            return unsafe .batch(UnsafeBufferPointer(start: result.entries, count: count))
        case LOGHOST_READ_PENDING: return .pending
        case LOGHOST_READ_CAUGHT_UP: return unsafe .caughtUp(recheckMicroseconds: result.recheck_after_microseconds)
        case LOGHOST_READ_END: return .end
        case LOGHOST_READ_GAP: return unsafe .gap(GapEvent(result.gap))
        default:
            let failure = PluginFailure(error)
            self.metrics?.count(.read, failure)
            return .failed(failure)
        }
    }

    /// Closes it; once.
    package func close() {
        guard let reader = unsafe self.reader.take() else { return }
        unsafe self.functions.pointee.close(reader)
    }

    /// Leaves the reader to the plugin, which was told that nobody took it.
    func disown() {
        unsafe self.reader = nil
    }
}

/// A plugin's own bytes. Used by one task at a time, on worker threads.
// As for ReaderHandle.
@safe
final class ByteStreamHandle: @unchecked Sendable {
    enum Piece {
        case data([UInt8])
        case pending
        case end([UInt8])
    }

    private var stream: OpaquePointer?
    private let functions: UnsafePointer<loghost_byte_stream_functions>

    init(_ stream: OpaquePointer, functions: UnsafePointer<loghost_byte_stream_functions>) {
        unsafe self.stream = unsafe stream
        unsafe self.functions = unsafe functions
    }

    deinit { self.close() }

    func read(limit: Int) throws -> Piece {
        guard let stream = unsafe self.stream else { return .end([]) }
        var bytes = unsafe loghost_bytes()
        var error = PluginFailure.fresh()
        switch unsafe Int(self.functions.pointee.read(stream, limit, &bytes, &error)) {
        case LOGHOST_STREAM_DATA: return unsafe .data(bytes.array)
        case LOGHOST_STREAM_PENDING: return .pending
        case LOGHOST_STREAM_END: return unsafe .end(bytes.array)
        default: throw PluginFailure(error)
        }
    }

    func close() {
        guard let stream = unsafe self.stream.take() else { return }
        unsafe self.functions.pointee.close(stream)
    }

    /// Leaves the stream to the plugin, which was told that nobody took it.
    func disown() {
        unsafe self.stream = nil
    }
}
