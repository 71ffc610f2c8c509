internal import Glibc

/// Lends a fresh directory that only this user can enter, and removes it with all it holds.
func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    var template = Array("/tmp/loghost-e2e.XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw HarnessError(call: "mkdtemp") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do {
        let value = try await body(path)
        try removeTree(path)
        return value
    } catch {
        try? removeTree(path)
        throw error
    }
}

func fileExists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

/// Reads a whole file.
func readFile(_ path: String) throws -> [UInt8] {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw HarnessError(call: "open \(path)") }
    let file = Descriptor(number)
    var bytes: [UInt8] = []
    while true {
        let piece = try file.read(upTo: 1 << 20, by: .now + .seconds(10))
        if piece.isEmpty { return bytes }
        bytes += piece
    }
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    let number = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw HarnessError(call: "open \(path)") }
    try Descriptor(number).write(bytes, by: .now + .seconds(10))
}

/// Removes a file or a directory with all it holds; what is not there is no error.
func removeTree(_ path: String) throws {
    for name in listDirectory(path) { try removeTree("\(path)/\(name)") }
    guard unsafe remove(path) == 0 || errno == ENOENT else { throw HarnessError(call: "remove \(path)") }
}

/// The names in a directory; none when there is no such directory or it is a link.
func listDirectory(_ path: String) -> [String] {
    let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard number >= 0, let stream = unsafe fdopendir(number) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
