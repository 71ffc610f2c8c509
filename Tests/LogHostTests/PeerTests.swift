import Crypto
import FoundationEssentials
import Glibc
import LogHost
import SwiftASN1
import Testing
import X509

@Suite struct PeerTests {
    @Test func `the kernel names who is at the other end of a unix socket, and nobody else`() {
        var ends: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let found = Peer.UnixCredentials(descriptor: ends[0])
        #expect(found?.uid == geteuid() && found?.gid == getegid() && found?.pid == getpid())
        let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(tcp) }
        #expect(Peer.UnixCredentials(descriptor: tcp) == nil)
        #expect(Peer.UnixCredentials(descriptor: -1) == nil)
    }

    private typealias Attribute = RelativeDistinguishedName.Attribute
    private typealias Types = ASN1ObjectIdentifier.RDNAttributeType

    private static func peer(_ subject: [[Attribute]], _ names: [GeneralName] = []) throws -> Peer {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: .now, notValidAfter: .now + 60, issuer: DistinguishedName { CommonName("x") },
            subject: DistinguishedName(subject.map { RelativeDistinguishedName($0) }),
            extensions: Certificate.Extensions { SubjectAlternativeNames(names) }, issuerPrivateKey: key)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return try Peer(certificateDER: serializer.serializedBytes)
    }

    @Test func `a subject begins with its most specific part`() throws {
        let subject = [
            [Attribute(type: Types.countryName, utf8String: "DE")],
            [Attribute(type: Types.organizationName, utf8String: "Müller")],
            [
                Attribute(type: [0, 9, 2342, 19_200_300, 100, 1, 1], utf8String: "7"),
                Attribute(type: Types.commonName, utf8String: "agent"),
            ],
        ]
        let text = try Self.peer(subject).certificateSubject
        #expect(["CN=agent+UID=7,O=Müller,C=DE", "UID=7+CN=agent,O=Müller,C=DE"].contains(text))
    }

    @Test(arguments: [
        ("agent", "agent"), ("a,CN=root", #"a\,CN=root"#), ("a+b", #"a\+b"#), (#"a\b"c<d>e;f"#, #"a\\b\"c\<d\>e\;f"#),
        ("#a", ##"\#a"##), (" a ", #"\ a\ "#), ("  ", #"\ \ "#), ("agent\u{0}evil", #"agent\00evil"#), ("a\nb\r", #"a\0ab\0d"#),
        ("a\u{202E}b", #"a\e2\80\aeb"#), ("a=b#c", "a=b#c"), ("", ""),
    ])
    func `no value of a subject can be taken for more than it is`(value: String, text: String) throws {
        #expect(try Self.peer([[Attribute(type: Types.commonName, utf8String: value)]]).certificateSubject == "CN=\(text)")
    }

    @Test func `types without a short name are numbers and bytes`() throws {
        let subject = try [[Attribute(type: Types.emailAddress, ia5String: "a@b")]]
        #expect(try Self.peer(subject).certificateSubject == "1.2.840.113549.1.9.1=#1603614062")
    }

    @Test func `a subject that is too long is none`() throws {
        let subject = [[Attribute(type: Types.commonName, utf8String: String(repeating: "x", count: 2000))]]
        #expect(try Self.peer(subject).certificateSubject.isEmpty)
    }

    @Test func `names say what they are, and those that could deceive are left out`() throws {
        let names: [GeneralName] = [
            .dnsName("Agent.Example"), .dnsName("a\u{0}.evil"), .dnsName("a b"), .dnsName("a\n"), .dnsName(""),
            .dnsName(String(repeating: "x", count: 513)), .uniformResourceIdentifier("spiffe://example/Agent"),
            .rfc822Name("Agent@example.com"), .ipAddress(ASN1OctetString(contentBytes: [10, 0, 0, 1])),
            .ipAddress(ASN1OctetString(contentBytes: ArraySlice([UInt8](repeating: 0, count: 15) + [1]))),
            .ipAddress(ASN1OctetString(contentBytes: [1, 2, 3])), .registeredID([1, 2, 3]),
        ]
        #expect(
            try Self.peer([], names).certificateNames == [
                "dns:agent.example", "uri:spiffe://example/Agent", "email:Agent@example.com", "ip:10.0.0.1", "ip:::1",
            ])
        let many = (0..<1000).map { GeneralName.dnsName("n\($0)") }
        #expect(try Self.peer([], many).certificateNames.count == 64)
    }

    @Test func `what is no certificate is an error`() {
        #expect(throws: (any Error).self) { try Peer(certificateDER: [0x30, 3, 1, 1, 0xff]) }
    }
}
