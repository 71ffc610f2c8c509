internal import PluginABI

/// Bytes that are there already.
final class StoredBytes: ByteReader {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func read(limit: Int) -> ByteOutcome { .end(self.bytes) }
}

/// A `ByteReader` behind an opaque pointer, with the piece that is being given out.
// Used by one worker thread at a time: the ABI's calls with one stream never overlap.
@safe
final class ByteStreamBox {
    private let reader: any ByteReader
    private let host: Host
    /// Where it lies does not change while it is lent.
    private var piece: UnsafeMutableBufferPointer<UInt8>
    private var position = 0
    private var isLast = false

    init(_ reader: any ByteReader, host: Host) {
        self.reader = reader
        self.host = host
        unsafe self.piece = unsafe UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit { unsafe self.piece.deallocate() }

    func read(_ limit: Int, _ bytes: UnsafeMutablePointer<loghost_bytes>, _ error: UnsafeMutablePointer<loghost_error>?) -> Int32
    {
        do {
            if unsafe self.position == self.piece.count, !self.isLast {
                switch try self.reader.read(limit: limit) {
                case .pending: return Int32(LOGHOST_STREAM_PENDING)
                case .bytes(let next): self.take(next, isLast: false)
                case .end(let last): self.take(last, isLast: true)
                }
            }
        } catch let failure {
            self.host.report(failure, in: "read")
            unsafe error?.fill(failure)
            return Int32(LOGHOST_STREAM_ERROR)
        }
        let count = unsafe min(limit, self.piece.count - self.position)
        unsafe bytes.pointee = unsafe loghost_bytes(
            data: self.piece.baseAddress.map { unsafe UnsafePointer($0 + self.position) }, size: count)
        self.position += count
        return unsafe Int32(self.isLast && self.position == self.piece.count ? LOGHOST_STREAM_END : LOGHOST_STREAM_DATA)
    }

    private func take(_ bytes: [UInt8], isLast: Bool) {
        unsafe self.piece.deallocate()
        unsafe self.piece = .allocate(capacity: bytes.count)
        _ = unsafe self.piece.initialize(from: bytes)
        self.position = 0
        self.isLast = isLast
    }
}

let byteStreamFunctions = unsafe FunctionTable(
    loghost_byte_stream_functions(
        size: UInt32(MemoryLayout<loghost_byte_stream_functions>.size), reserved: 0,
        read: { stream, limit, bytes, error in
            guard let stream = unsafe stream, let bytes = unsafe bytes else { return Int32(LOGHOST_STREAM_ERROR) }
            return unsafe Unmanaged<ByteStreamBox>.fromOpaque(UnsafeRawPointer(stream)).takeUnretainedValue()
                .read(limit, bytes, error)
        },
        close: { stream in
            guard let stream = unsafe stream else { return }
            unsafe Unmanaged<ByteStreamBox>.fromOpaque(UnsafeRawPointer(stream)).release()
        }))
