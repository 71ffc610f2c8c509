internal import CLinux
internal import Crypto
internal import FoundationEssentials
internal import Glibc

/// The one token of a host without a configuration: made up at the start, or its operator's.
struct LocalToken {
    /// Where it can be read, by its owner alone.
    let file: String
    /// True when this process has made it up; then it ends with it.
    let isFresh: Bool
    private let text: String
    /// Made for the file, and removed with it.
    private let directory: String?

    /// Reads the token in a file, or makes up one and writes it to a new file. Throws what is wrong with the file.
    init(file: String?) throws {
        if let file {
            self.text = try Self.read(file)
            self.file = absolutePath(file)
            self.isFresh = false
            self.directory = nil
        } else {
            self.text = Self.random()
            (self.file, self.directory) = try Self.write(self.text)
            self.isFresh = true
        }
    }

    /// What the host itself keeps of it: 64 hexadecimal digits.
    var sha256: String {
        SHA256.hash(data: Data(self.text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The header field that clients send, as a word of the shell. It holds the token only where nobody else gets to see it.
    var header: String {
        guard !self.isFresh || Self.printsToJournal else { return "'Authorization: Bearer \(self.text)'" }
        return "\"Authorization: Bearer $(cat '\(self.file.replacing("'", with: #"'\''"#))')\""
    }

    /// Removes what was made.
    func remove() {
        guard self.isFresh else { return }
        unsafe unlink(self.file)
        if let directory { unsafe rmdir(directory) }
    }

    /// 32 bytes that nobody can guess, in the alphabet of URLs (RFC 4648, section 5).
    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<4).flatMap { _ in unsafe withUnsafeBytes(of: generator.next()) { unsafe Array($0) } }
        return Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// True when what is printed is kept in the journal, which this host gives out: `systemd.exec(5)`.
    private static var printsToJournal: Bool {
        guard let stream = unsafe getenv("JOURNAL_STREAM") else { return false }
        var status = loghost_file_status()
        guard unsafe loghost_fstat(STDOUT_FILENO, &status) == 0 else { return false }
        return unsafe String(cString: stream) == "\(status.device):\(status.inode)"
    }
}

extension LocalToken {
    /// Writes a new file in the first directory that only this user, or root, can write; else in a new one.
    private static func write(_ text: String) throws -> (file: String, directory: String?) {
        var candidates = ["/run"]
        if let path = unsafe getenv("XDG_RUNTIME_DIR") { candidates.insert(unsafe String(cString: path), at: 0) }
        for directory in candidates where directory.hasPrefix("/") && Self.isPrivate(directory) {
            let file = "\(directory)/loghost-\(getpid()).token"
            if Self.create(file, text) { return (file, nil) }
        }
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/loghost.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw ConfigurationFailure("the token: expected a directory to write it to, found: \(systemErrorText(errno))")
        }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let file = "\(directory)/loghost-\(getpid()).token"
        guard Self.create(file, text) else {
            let reason = systemErrorText(errno)
            unsafe rmdir(directory)
            throw ConfigurationFailure("the token: expected a directory to write it to, found: \(reason)")
        }
        return (file, directory)
    }

    private static func isPrivate(_ directory: String) -> Bool {
        var status = loghost_file_status()
        guard unsafe loghost_stat(directory, &status) == 0, status.mode & S_IFMT == S_IFDIR else { return false }
        return status.owner == geteuid() && status.mode & (S_IWGRP | S_IWOTH) == 0
    }

    /// Makes a file that was not there. One of this name is left over from a process that has had this number before.
    private static func create(_ file: String, _ text: String) -> Bool {
        unsafe unlink(file)
        guard let descriptor = OwnedDescriptor(unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600))
        else { return false }
        let line = Array("\(text)\n".utf8)
        // Whatever the umask has left of the mode.
        guard fchmod(descriptor.number, 0o600) == 0, unsafe Glibc.write(descriptor.number, line, line.count) == line.count else {
            unsafe unlink(file)
            return false
        }
        return true
    }

    /// Reads a token from a file that only its owner can use.
    private static func read(_ file: String) throws -> String {
        func failure(_ expected: String, _ found: String) -> ConfigurationFailure {
            ConfigurationFailure("--token-file: \(file.onOneLine()): expected \(expected), found \(found)")
        }
        // Opening what turns out to be a pipe must not wait for its other end.
        guard let descriptor = OwnedDescriptor(unsafe open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) else {
            throw failure("a readable file", systemErrorText(errno))
        }
        var status = loghost_file_status()
        guard unsafe loghost_fstat(descriptor.number, &status) == 0, status.mode & S_IFMT == S_IFREG else {
            throw failure("a regular file", "something else")
        }
        guard status.owner == 0 || status.owner == geteuid() else {
            throw failure("a file owned by root or this user", "one owned by user \(status.owner)")
        }
        guard status.mode & 0o077 == 0 else {
            throw failure("a file that only its owner may use (chmod 600)", "mode 0\(String(status.mode & 0o7777, radix: 8))")
        }
        var bytes = [UInt8](repeating: 0, count: Self.maximumBytes + 2)
        let count = unsafe Glibc.read(descriptor.number, &bytes, bytes.count)
        var token = bytes.prefix(max(count, 0))
        if token.last == UInt8(ascii: "\n") { token.removeLast() }
        guard (Self.minimumBytes...Self.maximumBytes).contains(token.count), token.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw failure("one line of \(Self.minimumBytes) to \(Self.maximumBytes) printable characters", "something else")
        }
        return String(decoding: token, as: UTF8.self)
    }

    private static let minimumBytes = 16
    private static let maximumBytes = 4096
}
