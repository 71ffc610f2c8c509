internal import CLinux
internal import Glibc
internal import NIOSSL

/// One of the files that a listener's TLS settings name.
struct TLSFile {
    let key: String
    let path: String

    private static let maximumBytes = 1 << 20
    /// Certificates in one file: a chain, or the authorities of one site.
    private static let maximumCertificates = 256

    /// Reads PEM certificates, at least one.
    func certificates() throws(TLSFailure) -> [NIOSSLCertificate] {
        let bytes = try self.read(isSecret: false)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw self.failure("expected certificates in PEM")
        }
        guard certificates.count <= Self.maximumCertificates else {
            throw self.failure("expected at most \(Self.maximumCertificates) certificates, found \(certificates.count)")
        }
        return certificates
    }

    /// Reads a PEM key that not everybody can read.
    func privateKey() throws(TLSFailure) -> NIOSSLPrivateKey {
        let bytes = try self.read(isSecret: true)
        guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
            throw self.failure("expected a private key in PEM, without a passphrase")
        }
        return key
    }

    func failure(_ reason: String) -> TLSFailure { TLSFailure(key: self.key, path: self.path, reason: reason) }

    private func read(isSecret: Bool) throws(TLSFailure) -> [UInt8] {
        // Opening what turns out to be a pipe must not wait for its other end.
        guard let file = OwnedDescriptor(unsafe open(self.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) else {
            throw self.failure("expected a readable file, found: \(systemErrorText(errno))")
        }
        var facts = loghost_file_status()
        guard unsafe loghost_fstat(file.number, &facts) == 0, facts.mode & S_IFMT == S_IFREG else {
            throw self.failure("expected a regular file")
        }
        // A group is allowed: that of the programs that may read keys, as with Debian's ssl-cert.
        guard !isSecret || facts.mode & S_IRWXO == 0 else {
            throw self.failure("expected a file closed to others, found mode \(String(facts.mode & 0o7777, radix: 8))")
        }
        guard facts.size <= Self.maximumBytes else { throw self.failure("expected at most \(Self.maximumBytes) bytes") }
        var bytes = [UInt8](repeating: 0, count: Int(facts.size))
        guard let count = readBytes(file.number, into: &bytes, at: 0) else {
            throw self.failure("expected a readable file, found: \(systemErrorText(errno))")
        }
        return Array(bytes.prefix(count))
    }
}
