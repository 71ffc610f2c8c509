import Crypto
import SwiftASN1
import Testing
import X509

import struct FoundationEssentials.Date

/// An authority made for one test, and what it issues, as PEM.
struct TestAuthority {
    private let key = P256.Signing.PrivateKey()
    private let certificate: Certificate
    let pem: String

    struct Issued {
        var certificate: String
        var key: String
    }

    init(_ name: String) throws {
        let subject = try DistinguishedName { CommonName(name) }
        self.certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(self.key.publicKey),
            notValidBefore: .now.addingTimeInterval(-3_600), notValidAfter: .now.addingTimeInterval(3_600), issuer: subject,
            subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: .init(self.key))
        self.pem = try self.certificate.serializeAsPEM().pemString
    }

    /// Issues a certificate for a host's name, or for a client.
    func issue(_ name: String, from start: Double = -3_600, to end: Double = 3_600) throws -> Issued {
        let key = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            notValidBefore: .now.addingTimeInterval(start), notValidAfter: .now.addingTimeInterval(end),
            issuer: self.certificate.subject, subject: DistinguishedName { CommonName(name) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                SubjectAlternativeNames([.dnsName(name)])
            }, issuerPrivateKey: .init(self.key))
        return Issued(
            certificate: try certificate.serializeAsPEM().pemString,
            key: try Certificate.PrivateKey(key).serializeAsPEM().pemString)
    }
}
