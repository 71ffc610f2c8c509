package import NIOCore

/// Compresses a stream of buffers as gzip (RFC 1952).
// Used by one task at a time: the download that owns it.
package protocol Gzip: Sendable {
    /// Compresses a buffer; with `isLast` also what is still inside, and the trailer.
    func compress(_ input: ByteBuffer, isLast: Bool) throws -> ByteBuffer
}

extension Problem {
    static let notCompressed = Problem(500, "The answer cannot be compressed.")
}

/// The fastest way there is here.
func makeGzip() throws -> any Gzip {
    guard let library = LibDeflate.installed else { return try GzipStream() }
    return try GzipMembers(library)
}
