internal import CLinux
internal import Crypto
internal import Glibc

/// A copy of a library in memory that nobody can change any more, and its hash.
package struct SealedCopy: ~Copyable {
    /// Larger libraries are not copied; it bounds the memory a wrong path can take.
    package static let maximumSize = 1 << 30

    let descriptor: OwnedDescriptor
    package let size: Int
    /// 64 lower-case hexadecimal digits.
    package let sha256: String

    /// Copies a file's bytes, seals the copy, and hashes what is sealed.
    package init(of file: borrowing LibraryFile, maximumSize: Int = Self.maximumSize) throws(PluginRefusal) {
        let label = file.label
        func refuse(_ expected: String) -> PluginRefusal {
            PluginRefusal(file: label, expected: expected, found: "\"\(systemErrorText(errno))\"")
        }
        guard let copy = unsafe OwnedDescriptor(loghost_memfd("loghost-plugin")) else {
            throw refuse("a sealed copy in memory")
        }
        var buffer = [UInt8](repeating: 0, count: ContentHash.chunk)
        var offset = 0
        while true {
            guard let count = readBytes(file.descriptor.number, into: &buffer, at: offset) else {
                throw refuse("a readable file")
            }
            // The file may grow while it is copied: what was read counts, not its size.
            guard count <= maximumSize - offset else {
                throw PluginRefusal(file: label, expected: "at most \(maximumSize) bytes", found: "more")
            }
            guard copy.write(buffer, count: count) else { throw refuse("a sealed copy in memory") }
            offset += count
            if count < buffer.count { break }
        }
        guard loghost_seal(copy.number) == 0 else { throw refuse("a sealed copy in memory") }
        guard let sha256 = ContentHash.sha256(of: copy.number) else { throw refuse("a readable copy in memory") }
        self.descriptor = copy
        self.size = offset
        self.sha256 = sha256
    }
}

/// The hash of a file's content.
enum ContentHash {
    /// How many bytes are in memory at a time.
    static let chunk = 1 << 18

    /// Computes the SHA-256 in lower-case hexadecimal digits; nil when reading fails, and `errno` says why.
    static func sha256(of descriptor: Int32) -> String? {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        var offset = 0
        while true {
            guard let count = readBytes(descriptor, into: &buffer, at: offset) else { return nil }
            unsafe buffer.withUnsafeBytes { bytes in
                unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
            offset += count
            if count < buffer.count { break }
        }
        return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// The hash that the configuration demands of a library.
struct HashPin {
    /// 64 lower-case hexadecimal digits.
    let sha256: String

    init(_ text: String, library: String) throws(PluginRefusal) {
        let digits = text.lowercased()
        guard digits.utf8.count == 64, digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            throw PluginRefusal(
                file: library, expected: "a SHA-256 of 64 hexadecimal digits", found: "\"\(text.prefix(80))\"")
        }
        self.sha256 = digits
    }

    /// Compares with what a file has.
    func check(_ found: String, label: String) throws(PluginRefusal) {
        guard found == self.sha256 else {
            throw PluginRefusal(file: label, expected: "SHA-256 \(self.sha256)", found: found)
        }
    }
}
