internal import CryptoExtras
internal import FoundationEssentials
internal import JWTKit

/// A key pair that an IAM signs tokens with.
struct IAMKey: Sendable {
    let pem: String
    /// As the IAM's key set has it.
    let json: String
    /// What somebody has who knows the public key.
    let publicPEM: String
    private let privateKey: JWTKit.Insecure.RSA.PrivateKey

    init() throws {
        self.privateKey = try JWTKit.Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
        self.pem = self.privateKey.pemRepresentation
        self.publicPEM = self.privateKey.publicKey.pemRepresentation
        let numbers = try self.privateKey.publicKey.getKeyPrimitives()
        self.json = """
            {"kid":"1","kty":"RSA","alg":"RS256","use":"sig","n":"\(base64URL(numbers.modulus))","e":"\(base64URL(numbers.publicExponent))"}
            """
    }

    /// The one that the IAM of a test signs with, and another.
    static let first = Result { try IAMKey() }
    static let second = Result { try IAMKey() }

    /// Signs a token for a user that lives so many seconds from now.
    func token(_ uid: String = "alice", lifetime: Double = 3600) async throws -> String {
        let expiry = Date().timeIntervalSince1970 + lifetime
        return try await self.sign(claims: #"{"uid":"\#(uid)","exp":\#(expiry)}"#)
    }

    /// Signs any claims under any header with RSASSA-PKCS1-v1_5.
    func sign(
        header: String = #"{"typ":"JWT","alg":"RS256"}"#, claims: String, isRS512: Bool = false
    ) async throws -> String {
        let key = try await JWTKeyCollection().add(rsa: self.privateKey, digestAlgorithm: isRS512 ? .sha512 : .sha256).getKey()
        return try sealed(header, claims, key)
    }

    /// Signs with a shared secret.
    static func sign(header: String, claims: String, secret: String) async throws -> String {
        let key = try await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256).getKey()
        return try sealed(header, claims, key)
    }

    /// Makes a token that nobody has signed.
    static func unsigned(header: String, claims: String) -> String {
        "\(base64URL(Data(header.utf8))).\(base64URL(Data(claims.utf8)))."
    }
}

private func sealed(_ header: String, _ claims: String, _ key: any JWTAlgorithm) throws -> String {
    let signed = base64URL(Data(header.utf8)) + "." + base64URL(Data(claims.utf8))
    return signed + "." + base64URL(Data(try key.sign(Data(signed.utf8))))
}

private func base64URL(_ data: Data) -> String {
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
