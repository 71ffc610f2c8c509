internal import FoundationEssentials
internal import JWTKit

/// The keys that verify tokens, all for one algorithm.
struct KeySet: Sendable {
    /// More keys than this are not tried: each costs a verification for every bad token.
    static let capacity = 16

    /// What a token's header must name.
    let algorithm: String
    private let keys: [any JWTAlgorithm]
    /// Tells two sets apart.
    let identifiers: [String]

    /// Takes the RSA signature keys out of a JSON Web Key Set; throws when it has none.
    init(json: [UInt8]) async throws(IAMFailure) {
        guard let set = try? JSONDecoder().decode(JSONKeySet.self, from: Data(json)) else { throw .unusable }
        var keys: [any JWTAlgorithm] = []
        var identifiers: [String] = []
        for key in set.keys.compactMap(\.key) where key.isForSignatures && keys.count < Self.capacity {
            let identifier = "\(key.n).\(key.e)"
            // Less than 2,048 bits is refused here.
            guard !identifiers.contains(identifier), let rsa = try? Insecure.RSA.PublicKey(modulus: key.n, exponent: key.e),
                let algorithm = await Self.algorithm({ await $0.add(rsa: rsa, digestAlgorithm: .sha256) })
            else { continue }
            keys.append(algorithm)
            identifiers.append(identifier)
        }
        guard !keys.isEmpty else { throw IAMFailure(reason: "no usable key") }
        (self.algorithm, self.keys, self.identifiers) = ("RS256", keys, identifiers)
    }

    /// Makes the set of an old cluster: one secret.
    init(secret: [UInt8]) async throws(IAMFailure) {
        let key = HMACKey(from: secret)
        guard let algorithm = await Self.algorithm({ await $0.add(hmac: key, digestAlgorithm: .sha256) }) else { throw .unusable }
        (self.algorithm, self.keys, self.identifiers) = ("HS256", [algorithm], ["secret"])
    }

    /// Takes JWTKit's algorithm for one key out of a collection that holds nothing else: a collection chooses by `kid`, which these
    /// tokens have not, and a token never chooses here.
    private static func algorithm(_ add: (JWTKeyCollection) async -> Void) async -> (any JWTAlgorithm)? {
        let collection = JWTKeyCollection()
        await add(collection)
        return try? await collection.getKey()
    }

    /// Tells whether any key has made the signature.
    func verifies(_ token: Token) -> Bool {
        self.keys.contains { (try? $0.verify(token.signature, signs: token.signed)) == true }
    }
}

private struct JSONKeySet: Decodable {
    struct Key: Decodable {
        let kty: String
        let n: String
        let e: String
        let alg: String?
        let use: String?

        var isForSignatures: Bool {
            self.kty == "RSA" && (self.alg ?? "RS256") == "RS256" && (self.use ?? "sig") == "sig"
        }
    }

    /// A key of another kind has other members.
    struct Element: Decodable {
        let key: Key?

        init(from decoder: any Decoder) throws { self.key = try? Key(from: decoder) }
    }

    let keys: [Element]
}
