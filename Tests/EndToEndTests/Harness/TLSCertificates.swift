internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// A certificate and its key, as PEM.
struct TestCertificate: Sendable {
    var certificate: String
    var key: String

    /// Writes both into a directory, the key for this user only, and tells where.
    func write(to directory: String, as name: String) throws -> (certificate: String, key: String) {
        let files = ("\(directory)/\(name).pem", "\(directory)/\(name).key")
        try writeFile(files.0, Array(self.certificate.utf8))
        try writeFile(files.1, Array(self.key.utf8))
        return files
    }
}

/// An authority that the tests make up.
struct TestAuthority: Sendable {
    enum Purpose: Sendable { case server, client }

    /// The authority's own certificate and key.
    let own: TestCertificate
    private let name: DistinguishedName
    private let key: Certificate.PrivateKey

    init(_ name: String) throws {
        self.key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        self.name = try DistinguishedName { CommonName(name) }
        let certificate = try Self.make(
            subject: self.name, key: self.key, issuer: (self.name, self.key), since: -3600, until: 86_400,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            })
        self.own = try Self.text(certificate, self.key)
    }

    /// Issues a certificate; `until` is in seconds from now. Without the authority it is self-signed.
    func issue(
        _ subject: String, _ purpose: Purpose, until: Double = 86_400, isSelfSigned: Bool = false
    ) throws -> TestCertificate {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName {
            OrganizationName("Tests")
            CommonName(subject)
        }
        let certificate = try Self.make(
            subject: name, key: key, issuer: isSelfSigned ? (name, key) : (self.name, self.key), since: -7200, until: until,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([purpose == .server ? .serverAuth : .clientAuth])
                SubjectAlternativeNames([
                    .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                ])
            })
        return try Self.text(certificate, key)
    }

    private static func make(
        subject: DistinguishedName, key: Certificate.PrivateKey, issuer: (DistinguishedName, Certificate.PrivateKey),
        since: Double, until: Double, extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: since), notValidAfter: Date(timeIntervalSinceNow: until),
            issuer: issuer.0, subject: subject, extensions: extensions, issuerPrivateKey: issuer.1)
    }

    private static func text(_ certificate: Certificate, _ key: Certificate.PrivateKey) throws -> TestCertificate {
        TestCertificate(certificate: try certificate.serializeAsPEM().pemString, key: try key.serializeAsPEM().pemString)
    }
}
