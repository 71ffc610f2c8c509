internal import PluginKit

/// Reads the secret of HS256; RFC 7518 wants as many bytes as the hash has.
func readSharedSecret(_ path: String) throws -> [UInt8] {
    var secret = try readSecretFile(path, key: "hs256_secret_file", capacity: 4096)
    while let last = secret.last, last == 0x0A || last == 0x0D { secret.removeLast() }
    guard !secret.isEmpty else { throw PluginError(.invalid, "hs256_secret_file: the file is empty") }
    // Whoever signs with a public key as the secret can be anybody.
    guard !secret.starts(with: Array("-----BEGIN".utf8)) else {
        throw PluginError(.invalid, "hs256_secret_file: expected a shared secret, found a key or certificate in PEM")
    }
    guard secret.count >= 32 else { throw PluginError(.invalid, "hs256_secret_file: expected at least 32 bytes") }
    return secret
}
