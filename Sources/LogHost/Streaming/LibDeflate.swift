internal import Glibc

/// libdeflate, where it is installed. Nothing needs it: it packs a download in half of the time that zlib takes, and smaller.
// Functions, and a library that stays loaded.
@safe
package struct LibDeflate: @unchecked Sendable {
    typealias Allocate = @convention(c) (_ level: Int32) -> OpaquePointer?
    typealias Free = @convention(c) (OpaquePointer?) -> Void
    typealias Bound = @convention(c) (OpaquePointer?, _ size: Int) -> Int
    typealias Compress = @convention(c) (OpaquePointer?, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, Int) -> Int

    let allocate: Allocate
    let free: Free
    /// No gzip member for so many bytes is longer.
    let bound: Bound
    /// Writes one gzip member; 0 when it has no room.
    let compress: Compress

    package static let installed = LibDeflate()

    private init?() {
        guard let library = unsafe dlopen("libdeflate.so.0", RTLD_NOW | RTLD_LOCAL),
            let allocate = unsafe dlsym(library, "libdeflate_alloc_compressor"),
            let free = unsafe dlsym(library, "libdeflate_free_compressor"),
            let bound = unsafe dlsym(library, "libdeflate_gzip_compress_bound"),
            let compress = unsafe dlsym(library, "libdeflate_gzip_compress")
        else { return nil }
        unsafe self.allocate = unsafe unsafeBitCast(allocate, to: Allocate.self)
        unsafe self.free = unsafe unsafeBitCast(free, to: Free.self)
        unsafe self.bound = unsafe unsafeBitCast(bound, to: Bound.self)
        unsafe self.compress = unsafe unsafeBitCast(compress, to: Compress.self)
    }
}
