internal import Glibc
internal import PluginKit

/// A file of this node that stays the one it is when it is renamed, and can be read to its end when it has been deleted.
final class KeptFile: Sendable {
    let identity: FileIdentity
    private let file: OpenFile
    private let threads: BlockingThreads

    init(_ file: OpenFile, threads: BlockingThreads) throws {
        self.identity = FileIdentity(try file.status())
        self.file = file
        self.threads = threads
    }

    /// Reads from an offset; fewer bytes only at the end of the file.
    func read(at offset: UInt64, length: Int) async throws -> [UInt8] {
        let file = self.file
        return try await self.threads.run { try file.bytes(at: offset, length: length) }
    }

    /// The same, where waiting for the disk is allowed.
    func readNow(at offset: UInt64, length: Int) throws -> [UInt8] { try self.file.bytes(at: offset, length: length) }

    /// When it was written last, in seconds.
    func modified() async throws -> Int64 {
        let file = self.file
        return try await self.threads.run { Int64(try file.status().st_mtim.tv_sec) }
    }
}

extension OpenFile {
    /// Reads from an offset; fewer bytes only at the end of the file. Blocks.
    func bytes(at offset: UInt64, length: Int) throws -> [UInt8] {
        guard let start = Int(exactly: offset), length > 0, start <= Int.max - length else { return [] }
        let number = self.number
        return try unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            while count < length {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                let got = unsafe pread(number, rest.baseAddress, rest.count, start + count)
                if got == 0 { break }
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { throw LocalFailure.of(errno) }
                count += got
            }
        }
    }
}
