internal import Glibc

/// True for a file that nobody but its owner may use. A credential of the service manager's, too: it may belong to root, and an access list
/// give this user alone the right to read it, whose mask then stands where the group's rights do.
package func isForOwnerAlone(owner: UInt32, mode: UInt32, _ path: String) -> Bool {
    if mode & 0o077 == 0 { return true }
    guard owner == 0, mode & 0o037 == 0, let directory = unsafe getenv("CREDENTIALS_DIRECTORY") else { return false }
    let name = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last ?? []
    return unsafe !name.isEmpty && path == "\(String(cString: directory))/\(String(decoding: Array(name), as: UTF8.self))"
}

/// Reads a file that belongs to this user or root and that nobody else may read; throws a `PluginError` that names the configuration's
/// key and never the path. Blocks: for `start`.
public func readSecretFile(_ path: String, key: String, capacity: Int = 16 << 10) throws -> [UInt8] {
    // A pipe without a writer must not hold up the start.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
        throw PluginError(.invalid, "\(key): the file cannot be opened (\(unsafe String(cString: strerror(errno))))")
    }
    defer { close(descriptor) }
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
        throw PluginError(.invalid, "\(key): expected a regular file")
    }
    guard facts.st_uid == geteuid() || facts.st_uid == 0 else {
        throw PluginError(.invalid, "\(key): the file belongs to another user")
    }
    guard isForOwnerAlone(owner: facts.st_uid, mode: facts.st_mode, path) else {
        throw PluginError(.invalid, "\(key): others can use the file; its mode must be 0600 or 0400")
    }
    var bytes = [UInt8](repeating: 0, count: capacity + 1)
    var count = 0
    while count < bytes.count {
        let free = count..<bytes.count
        let got = unsafe bytes[free].withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        if got == 0 { break }
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { throw PluginError(.invalid, "\(key): the file cannot be read") }
        count += got
    }
    guard count <= capacity else { throw PluginError(.invalid, "\(key): the file is larger than \(capacity) bytes") }
    return Array(bytes[..<count])
}
