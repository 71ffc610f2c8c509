internal import CLinux
internal import Crypto
internal import Glibc

/// Copies and hashes of library files.
enum SealedCopy {
    private static let maximumBytes = 1 << 30

    /// Copies a file into memory that nobody can change any more, and checks the copy against a pin.
    static func make(of file: borrowing LibraryFile, sha256 pin: String) throws(PluginRefusal) -> Int32 {
        let copy = unsafe loghost_memfd("loghost-plugin")
        guard copy >= 0 else {
            throw PluginRefusal(file: file.name, expected: "memory for a sealed copy", found: "error \(errno)")
        }
        do throws(PluginRefusal) {
            try Self.copy(file, to: copy)
            guard loghost_seal(copy) == 0 else {
                throw PluginRefusal(file: file.name, expected: "a sealed copy", found: "error \(errno)")
            }
            let found = try Self.sha256(of: copy, file: file.name)
            guard found == pin else { throw PluginRefusal(file: file.name, expected: "SHA-256 \(pin)", found: found) }
        } catch {
            close(copy)
            throw error
        }
        return copy
    }

    private static func copy(_ file: borrowing LibraryFile, to copy: Int32) throws(PluginRefusal) {
        var offset: off_t = 0
        while true {
            let count = unsafe sendfile(copy, file.descriptor, &offset, 1 << 20)
            if count == 0 { return }
            guard count > 0 || errno == EINTR, offset <= Self.maximumBytes else {
                throw PluginRefusal(file: file.name, expected: "a readable library of at most 1 GiB", found: "error \(errno)")
            }
        }
    }

    /// Hashes a file from its start, in hexadecimal.
    static func sha256(of descriptor: Int32, file: String) throws(PluginRefusal) -> String {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset: off_t = 0
        while true {
            let count = unsafe pread(descriptor, &buffer, buffer.count, offset)
            if count == 0 { break }
            guard count > 0, offset <= Self.maximumBytes else {
                throw PluginRefusal(file: file, expected: "a readable library of at most 1 GiB", found: "error \(errno)")
            }
            unsafe buffer.withUnsafeBytes { unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += off_t(count)
        }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
