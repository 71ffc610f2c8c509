internal import Glibc

/// Unpacks what journald has compressed, with the libzstd that libsystemd itself uses.
@safe
final class Zstandard {
    private var context: OpaquePointer?
    private var buffer = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// libsystemd unpacks nothing larger.
    private static let largest = 768 << 20

    static let installed = Functions()

    deinit {
        if let context = unsafe self.context { unsafe _ = Self.installed?.freeContext(context) }
        unsafe self.buffer.deallocate()
    }

    /// The first `capacity` bytes of what was packed, or all of them; lent until the next call.
    func unpack(_ packed: UnsafeRawBufferPointer, capacity: Int) throws(JournalDamage) -> UnsafeRawBufferPointer {
        guard let functions = Self.installed, let context = unsafe self.context ?? functions.makeContext() else {
            throw JournalDamage()
        }
        unsafe self.context = context
        let size = unsafe functions.contentSize(packed.baseAddress, packed.count)
        // The two largest numbers say that it does not say, and that it is none.
        guard size < .max - 1 else { throw JournalDamage() }
        let count = Int(min(size, UInt64(min(capacity, Self.largest))))
        if unsafe self.buffer.count < count {
            unsafe self.buffer.deallocate()
            unsafe self.buffer = .allocate(byteCount: count, alignment: 16)
        }
        unsafe _ = functions.reset(context, 1)
        var output = unsafe Output(start: self.buffer.baseAddress, size: count, position: 0)
        var input = unsafe Input(start: packed.baseAddress, size: packed.count, position: 0)
        while unsafe output.position < count {
            let before = unsafe (output.position, input.position)
            let result = unsafe functions.unpack(context, &output, &input)
            guard functions.isError(result) == 0, unsafe (output.position, input.position) != before else {
                throw JournalDamage()
            }
        }
        return unsafe UnsafeRawBufferPointer(rebasing: self.buffer[..<count])
    }

    /// `ZSTD_outBuffer`.
    @unsafe
    struct Output {
        var start: UnsafeMutableRawPointer?
        var size: Int
        var position: Int
    }

    /// `ZSTD_inBuffer`.
    @unsafe
    struct Input {
        var start: UnsafeRawPointer?
        var size: Int
        var position: Int
    }

    // Functions, and a library that stays loaded.
    @safe
    struct Functions: @unchecked Sendable {
        let makeContext: @convention(c) () -> OpaquePointer?
        let freeContext: @convention(c) (OpaquePointer?) -> Int
        let reset: @convention(c) (OpaquePointer?, Int32) -> Int
        let contentSize: @convention(c) (UnsafeRawPointer?, Int) -> UInt64
        let isError: @convention(c) (Int) -> UInt32
        let unpack: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int

        init?() {
            guard let library = unsafe dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL),
                let makeContext = unsafe dlsym(library, "ZSTD_createDCtx"),
                let freeContext = unsafe dlsym(library, "ZSTD_freeDCtx"),
                let reset = unsafe dlsym(library, "ZSTD_DCtx_reset"),
                let contentSize = unsafe dlsym(library, "ZSTD_getFrameContentSize"),
                let isError = unsafe dlsym(library, "ZSTD_isError"),
                let unpack = unsafe dlsym(library, "ZSTD_decompressStream")
            else { return nil }
            unsafe self.makeContext = unsafe unsafeBitCast(makeContext, to: (@convention(c) () -> OpaquePointer?).self)
            unsafe self.freeContext = unsafe unsafeBitCast(freeContext, to: (@convention(c) (OpaquePointer?) -> Int).self)
            unsafe self.reset = unsafe unsafeBitCast(reset, to: (@convention(c) (OpaquePointer?, Int32) -> Int).self)
            unsafe self.contentSize = unsafe unsafeBitCast(
                contentSize, to: (@convention(c) (UnsafeRawPointer?, Int) -> UInt64).self)
            self.isError = unsafe unsafeBitCast(isError, to: (@convention(c) (Int) -> UInt32).self)
            unsafe self.unpack = unsafe unsafeBitCast(
                unpack,
                to: (@convention(c) (OpaquePointer?, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int).self)
        }
    }
}
