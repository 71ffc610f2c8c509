import AuthToken
import Glibc
import PluginKit
import Synchronization
import Testing

struct FileTests {
    /// What a store has said.
    private final class Log: Sendable {
        private let text = Mutex<[String]>([])

        var lines: [String] { self.text.withLock { $0 } }

        func add(_ level: Host.LogLevel, _ line: String) { self.text.withLock { $0.append("\(level): \(line)") } }
    }

    private static func failure(_ path: String) -> PluginError? {
        let store = PrincipalStore(file: PrincipalFile(path: path)) { _, _ in }
        do {
            try store.load()
            return nil
        } catch {
            #expect(store.current == nil)
            return error as? PluginError
        }
    }

    @Test(arguments: [0o600, 0o400, 0o700] as [mode_t])
    func `a file that only its owner can use is read`(mode: mode_t) throws {
        try withPrincipalFile { path in
            try #require(unsafe chmod(path, mode) == 0)
            #expect(Self.failure(path) == nil)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666] as [mode_t])
    func `a file that others can use is refused`(mode: mode_t) throws {
        try withPrincipalFile { path in
            try #require(unsafe chmod(path, mode) == 0)
            let octal = String(mode, radix: 8)
            let expected = "file: expected a file that only its owner may use (chmod 600), found mode 0\(octal)"
            #expect(Self.failure(path) == PluginError(.invalid, expected, detail: path))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can own a credential"))
    func `a credential of the service manager's may show an access list's mask as its group's rights`() throws {
        try withPrincipalFile { path in
            try #require(unsafe chmod(path, 0o440) == 0)
            #expect(Self.failure(path) != nil)
            let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            defer { unsafe unsetenv("CREDENTIALS_DIRECTORY") }
            for (name, isCredential) in [(directory, true), ("\(directory)x", false), ("", false)] {
                unsafe setenv("CREDENTIALS_DIRECTORY", name, 1)
                #expect((Self.failure(path) == nil) == isCredential, "\(name)")
            }
            unsafe setenv("CREDENTIALS_DIRECTORY", directory, 1)
            try #require(unsafe chmod(path, 0o444) == 0)
            #expect(Self.failure(path) != nil)
            try #require(unsafe chmod(path, 0o440) == 0 && chown(path, 12345, 0) == 0)
            #expect(Self.failure(path) != nil)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `a file of somebody else is refused`() throws {
        try withPrincipalFile { path in
            try #require(unsafe chown(path, 12345, 0) == 0)
            let message = "file: expected a file owned by root or the host's user, found one owned by user 12345"
            #expect(Self.failure(path)?.message == message)
        }
    }

    @Test func `what is no file is refused`() throws {
        try withPrincipalFile { path in
            #expect(Self.failure("\(path)x")?.message == "file: there is no such file")
            #expect(Self.failure("\(path)/x")?.message == "file: there is no such file")
            try #require(unsafe unlink(path) == 0)
            try #require(unsafe mkfifo(path, 0o600) == 0)
            #expect(Self.failure(path)?.message == "file: expected a regular file")
            #expect(Self.failure("/tmp")?.message == "file: expected a regular file")
        }
    }

    @Test func `a mistake names file, line and key`() throws {
        try withPrincipalFile("principals:\n  - name: a\n    uid: x\n") { path in
            let expected = PluginError(.invalid, "file: line 3: principals[0].uid: expected a user number", detail: path)
            #expect(Self.failure(path) == expected)
        }
        try withPrincipalFile("principals: \u{0}") { path in #expect(Self.failure(path) != nil) }
    }

    @Test func `a link is followed and its target judged`() throws {
        try withPrincipalFile { path in
            let link = path.replacing("tokens", with: "link")
            try #require(unsafe symlink(path, link) == 0)
            #expect(Self.failure(link) == nil)
            try #require(unsafe chmod(path, 0o644) == 0)
            #expect(Self.failure(link) != nil)
        }
    }

    /// Lends a loaded store, its file, what it has said, and the principal of a token.
    private static func withStore(
        _ body: (PrincipalStore, _ path: String, Log, _ principal: (String) -> String?) throws -> Void
    ) throws {
        try withPrincipalFile { path in
            let log = Log()
            let store = PrincipalStore(file: PrincipalFile(path: path)) { log.add($0, $1) }
            try store.load()
            let authorizer = TokenAuthorizer(store: store)
            try body(store, path, log) { token in
                guard let decision = authorizer.decide(request("Bearer \(token)")) else { return nil }
                return decision.verdict == .allow ? decision.principal : "\(decision.verdict)"
            }
        }
    }

    @Test func `a changed file is read again`() throws {
        try Self.withStore { store, path, log, principal in
            #expect(principal("token-one") == "alice")
            // Of the same size and within the same tick: names have changed.
            try write(Known.principals.replacing("alice", with: "carol"), to: path)
            #expect(principal("token-one") == "alice")
            store.look()
            #expect(principal("token-one") == "carol")
            try write("principals: [{name: bob, sha256: \(Known.two)}]", to: path)
            store.look()
            #expect(principal("token-one") == "unauthenticated")
            #expect(principal("token-two") == "bob")
            #expect(log.lines.last == "notice: The principals have been read again: 1.")
        }
    }

    @Test func `a change in place within a tick is not missed`() throws {
        try Self.withStore { store, path, _, principal in
            for name in ["carol", "david", "ellen"] {
                let descriptor = unsafe open(path, O_WRONLY)
                let bytes = Array(Known.principals.replacing("alice", with: name).utf8)
                #expect(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
                close(descriptor)
                store.look()
                #expect(principal("token-one") == name)
            }
        }
    }

    @Test func `a file with a mistake leaves those before in force and is reported once`() throws {
        try Self.withStore { store, path, log, principal in
            try write("principals:\n  - {name: alice, sha256: \(Known.three)}\n  - {name: ev", to: path)
            for _ in 1...3 { store.look() }
            #expect(principal("token-one") == "alice")
            #expect(principal("token-three") == "unauthenticated")
            #expect(log.lines.count == 1)
            #expect(log.lines.first?.hasPrefix("error: The file of principals is not read: line 4: not YAML") == true)
            #expect(log.lines.first?.contains(Known.three.prefix(6)) == false)
            try write(Known.principals, to: path)
            store.look()
            #expect(log.lines.count == 2)
        }
    }

    @Test func `a file that others can use puts an end to decisions until it is mended`() throws {
        try Self.withStore { store, path, log, principal in
            try #require(unsafe chmod(path, 0o644) == 0)
            for _ in 1...3 { store.look() }
            #expect(principal("token-one") == "cannotDecide")
            #expect(log.lines.count == 1)
            #expect(log.lines.first?.contains("found mode 0644. Nobody is let in") == true)
            #expect(log.lines.first?.contains(path) == false)
            try write("principals: [", to: path)
            store.look()
            #expect(principal("token-one") == "cannotDecide")
            try write(Known.principals, to: path)
            store.look()
            #expect(principal("token-one") == "alice")
        }
    }

    @Test func `a file that stays away puts an end to decisions, one that is being replaced does not`() throws {
        try Self.withStore { store, path, log, principal in
            try #require(unsafe unlink(path) == 0)
            store.look()
            #expect(principal("token-one") == "alice")
            try write(Known.principals, to: path)
            store.look()
            try #require(unsafe unlink(path) == 0)
            for _ in 1...4 { store.look() }
            #expect(principal("token-one") == "cannotDecide")
            #expect(log.lines.filter { $0.hasPrefix("error") }.count == 1)
            try write(Known.principals, to: path)
            store.look()
            #expect(principal("token-one") == "alice")
        }
    }

    @Test func `the file is watched from start to stop`() async throws {
        let log = Log()
        try withPrincipalFile { path in
            let store = PrincipalStore(file: PrincipalFile(path: path)) { log.add($0, $1) }
            try store.load()
            store.watch()
            try write(Known.principals.replacing("alice", with: "carol"), to: path)
            let deadline = ContinuousClock.now + .seconds(20)
            while log.lines.isEmpty, ContinuousClock.now < deadline { usleep(10_000) }
            #expect(log.lines == ["notice: The principals have been read again: 2."])
            store.stop()
        }
    }
}
