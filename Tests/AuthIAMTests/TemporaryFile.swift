import Glibc

struct FileError: Error {}

/// Lends a file that only this user can read, or with another mode.
func withTemporaryFile<Value>(_ text: String, mode: mode_t = 0o600, _ body: (String) async throws -> Value) async throws -> Value
{
    var template = Array("/tmp/loghost-iam.XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&template)
    guard descriptor >= 0 else { throw FileError() }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unsafe unlink(path) }
    let bytes = Array(text.utf8)
    guard unsafe write(descriptor, bytes, bytes.count) == bytes.count, fchmod(descriptor, mode) == 0, close(descriptor) == 0
    else {
        throw FileError()
    }
    return try await body(path)
}
