internal import CCrypt
internal import Glibc

/// What crypt(3) makes of a password, by a method that is slow to guess at.
package struct PasswordHash: Sendable {
    /// Why a text is no such hash.
    struct Refusal: Error {
        let expected: String
    }

    /// The beginning of each, and the length of what follows the last `$`: a hash that was cut off would refuse everybody.
    private static let methods = [
        "$y$": 43, "$gy$": 43, "$7$": 43, "$2b$": 53, "$2a$": 53, "$2y$": 53, "$6$": 86, "$5$": 43,
    ]

    private let text: String

    /// Checks method and form, which costs next to nothing.
    init(_ text: String?) throws(Refusal) {
        guard let text, text.utf8.count <= Int(CRYPT_OUTPUT_SIZE), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Refusal(expected: "a hash of crypt(3)")
        }
        guard let length = Self.methods.first(where: { text.hasPrefix($0.key) })?.value else {
            throw Refusal(expected: "a hash of yescrypt ($y$), scrypt ($7$), bcrypt ($2b$), SHA-512 ($6$) or SHA-256 ($5$)")
        }
        guard text.utf8.split(separator: UInt8(ascii: "$")).last?.count == length else {
            throw Refusal(expected: "a whole hash of crypt(3)")
        }
        let verdict = unsafe crypt_checksalt(text)
        guard verdict != CRYPT_SALT_INVALID, verdict != CRYPT_SALT_METHOD_DISABLED else {
            throw Refusal(expected: "a hash that this system's crypt(3) knows")
        }
        self.text = text
    }

    /// Tells whether it is this password's. Takes as long as the method and its cost say: some 50 to 300 ms of a processor.
    package func verify(_ password: String) -> Bool {
        var memory: UnsafeMutableRawPointer?
        var size: Int32 = 0
        defer { unsafe free(memory) }
        guard let result = unsafe crypt_ra(password, self.text, &memory, &size) else { return false }
        let expected = Array(self.text.utf8)
        guard unsafe strlen(result) == expected.count else { return false }
        var difference: UInt8 = 0
        for (index, byte) in expected.enumerated() { difference |= unsafe UInt8(bitPattern: result[index]) ^ byte }
        return difference == 0
    }
}
