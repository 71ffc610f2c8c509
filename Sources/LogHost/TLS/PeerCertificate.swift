internal import Glibc
internal import NIOSSL
internal import SwiftASN1
internal import X509

extension Peer {
    /// Takes the names from a certificate that the handshake has verified. Throws when it has expired meanwhile: a resumed session
    /// brings back the certificate of an earlier handshake.
    ///
    /// Names that cannot be written without doubt are left out: nobody is allowed anything by a name that is not there.
    init(certificate: NIOSSLCertificate) throws {
        guard certificate.notValidAfter >= time(nil) else { throw ExpiredCertificate() }
        try self.init(certificateDER: certificate.toDERBytes())
    }

    private struct ExpiredCertificate: Error {}

    private static let maximumSubjectBytes = 1 << 10
    private static let maximumNameBytes = 512
    private static let maximumNames = 64

    /// Throws when the bytes are no certificate.
    package init(certificateDER bytes: [UInt8]) throws {
        self.init()
        let certificate = try Certificate(derEncoded: bytes)
        let subject = certificate.subject.rfc4514
        if subject.utf8.count <= Self.maximumSubjectBytes { self.certificateSubject = subject }
        let names = try? certificate.extensions.subjectAlternativeNames
        self.certificateNames = (names ?? SubjectAlternativeNames([])).prefix(Self.maximumNames).compactMap { Self.text($0) }
    }

    private static func text(_ name: GeneralName) -> String? {
        switch name {
        case .dnsName(let name): self.visible(name).map { "dns:" + $0.lowercased() }
        case .uniformResourceIdentifier(let name): self.visible(name).map { "uri:" + $0 }
        case .rfc822Name(let name): self.visible(name).map { "email:" + $0 }
        case .ipAddress(let address): self.address(Array(address.bytes)).map { "ip:" + $0 }
        default: nil
        }
    }

    /// The name, when it is nothing but visible ASCII: a zero byte or a line's end in it could pass for another name's end.
    private static func visible(_ name: String) -> String? {
        let isVisible = name.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        return isVisible && (1...Self.maximumNameBytes).contains(name.utf8.count) ? name : nil
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else {
            return nil
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
