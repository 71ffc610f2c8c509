internal import Glibc
internal import NIOSSL
internal import PluginABI
internal import Synchronization

/// The files that a request's TLS is made of; an empty path is none.
struct TLSFilePaths: Hashable, Sendable {
    var authorities = ""
    var certificate = ""
    var key = ""

    fileprivate var all: [String] { [self.authorities, self.certificate, self.key] }
}

/// TLS settings by the files they come from, read again when a file has changed.
final class TLSFiles: Sendable {
    /// What tells one content of a file from the next without reading it.
    private struct Stamp: Hashable {
        var device: UInt
        var inode: UInt
        var size: Int
        var modified: [Int]
    }

    private struct Entry {
        var stamps: [Stamp?]
        var configuration: TLSConfiguration
    }

    /// A plugin whose paths depend on requests would otherwise take all memory.
    private static let capacity = 64
    private static let fileCapacity = 4 << 20

    private let entries = Mutex<[TLSFilePaths: Entry]>([:])

    /// Makes settings, or finds those made from the same content; throws INVALID with the path in `detail` only.
    func configuration(for paths: TLSFilePaths) throws(PluginFailure) -> TLSConfiguration {
        let stamps = paths.all.map(Self.stamp)
        if let entry = self.entries.withLock({ $0[paths] }), entry.stamps == stamps { return entry.configuration }
        let configuration = try Self.read(paths)
        // Stamped before it was read: content that changes meanwhile is read again by the next request.
        self.entries.withLock { entries in
            if entries.count >= Self.capacity, entries[paths] == nil { entries.removeAll() }
            entries[paths] = Entry(stamps: stamps, configuration: configuration)
        }
        return configuration
    }

    private static func read(_ paths: TLSFilePaths) throws(PluginFailure) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        if !paths.authorities.isEmpty {
            configuration.trustRoots = .certificates(try Self.certificates(paths.authorities, of: "ca_file"))
        }
        guard paths.certificate.isEmpty == paths.key.isEmpty else {
            throw PluginFailure(code: LOGHOST_ERROR_INVALID, message: "client_certificate and client_key: expected both or none.")
        }
        if !paths.certificate.isEmpty {
            let chain = try Self.certificates(paths.certificate, of: "client_certificate")
            configuration.certificateChain = chain.map { .certificate($0) }
            let bytes = try Self.content(paths.key, of: "client_key")
            guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
                throw Self.failure("client_key", "expected a private key in PEM without a passphrase", paths.key)
            }
            configuration.privateKey = .privateKey(key)
        }
        return configuration
    }

    private static func certificates(_ path: String, of key: String) throws(PluginFailure) -> [NIOSSLCertificate] {
        let bytes = try Self.content(path, of: key)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw Self.failure(key, "expected certificates in PEM", path)
        }
        return certificates
    }

    private static func failure(_ key: String, _ reason: String, _ path: String) -> PluginFailure {
        var failure = PluginFailure(code: LOGHOST_ERROR_INVALID, message: "\(key): \(reason).")
        failure.detail = path
        return failure
    }

    private static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard !path.isEmpty, unsafe stat(path, &status) == 0 else { return nil }
        return Stamp(
            device: status.st_dev, inode: status.st_ino, size: status.st_size,
            modified: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec])
    }

    private static func content(_ path: String, of key: String) throws(PluginFailure) -> [UInt8] {
        // Not blocking: opening a FIFO would wait for its writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.failure(key, "the file cannot be opened (error \(errno))", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Self.failure(key, "expected a regular file", path)
        }
        guard status.st_size <= Self.fileCapacity else { throw Self.failure(key, "the file is too large", path) }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.fileCapacity.clamped(status.st_size)) { buffer, count in
            while count < buffer.count {
                let step = unsafe Glibc.read(descriptor, buffer.baseAddress.unsafelyUnwrapped + count, buffer.count - count)
                if step <= 0 { break }
                count += step
            }
        }
        return bytes
    }
}

extension Int {
    /// At least one byte, so that a buffer has an address, and at most this many.
    fileprivate func clamped(_ size: Int) -> Int { Swift.max(1, Swift.min(self, size)) }
}
