import CryptoExtras
import FoundationEssentials
import JWTKit

/// A key pair made for the tests.
struct TestKey: Sendable {
    let privateKey: JWTKit.Insecure.RSA.PrivateKey

    init() throws {
        self.privateKey = try JWTKit.Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
    }

    /// The one that the IAM of a test signs with, and two others.
    static let first = Result { try TestKey() }
    static let second = Result { try TestKey() }
    static let third = Result { try TestKey() }

    /// The private key, as a file has it.
    var pem: String { self.privateKey.pemRepresentation }

    /// As the IAM's key set has it; `more` replaces `"alg":"RS256","use":"sig"`.
    func json(_ more: String = #""alg":"RS256","use":"sig""#, kty: String = "RSA") throws -> String {
        let numbers = try self.privateKey.publicKey.getKeyPrimitives()
        let (n, e) = (base64URL(numbers.modulus), base64URL(numbers.publicExponent))
        return #"{"kid":"k","kty":"\#(kty)","n":"\#(n)","e":"\#(e)"\#(more.isEmpty ? "" : ",")\#(more)}"#
    }

    /// Signs any header and claims with RSASSA-PKCS1-v1_5.
    func sign(
        header: String = #"{"typ":"JWT","alg":"RS256"}"#, claims: String, digest: DigestAlgorithm = .sha256
    ) async throws -> String {
        let key = try await JWTKeyCollection().add(rsa: self.privateKey, digestAlgorithm: digest).getKey()
        return try sealed(header, claims) { try key.sign($0) }
    }

    /// Signs for a user until a second.
    func token(_ uid: String = "alice", exp: Int) async throws -> String {
        try await self.sign(claims: #"{"uid":"\#(uid)","exp":\#(exp)}"#)
    }
}

/// Signs with HS256.
func signHS256(header: String = #"{"typ":"JWT","alg":"HS256"}"#, claims: String, secret: String) async throws -> String {
    let key = try await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256).getKey()
    return try sealed(header, claims) { try key.sign($0) }
}

/// Puts a token together.
func sealed(_ header: String, _ claims: String, _ sign: (Data) throws -> [UInt8]) rethrows -> String {
    let signed = base64URL(Data(header.utf8)) + "." + base64URL(Data(claims.utf8))
    return try signed + "." + base64URL(Data(sign(Data(signed.utf8))))
}

func base64URL(_ data: Data) -> String {
    String(
        data.base64EncodedString().compactMap { character in
            switch character {
            case "+": "-"
            case "/": "_"
            case "=": nil
            default: character
            }
        })
}
