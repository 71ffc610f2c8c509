internal import Glibc
internal import Testing

/// An authorizer in C that says what its file says; see `Tests/Plugins/scripted-authorizer.c`.
struct ScriptedAuthorizer: Sendable {
    private static let repository = String(#filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" })

    let file: String

    /// Sets what it says from now on. The file is exchanged, so that nobody reads half of it.
    func say(_ words: String) throws {
        try writeFile("\(self.file).new", Array(words.utf8))
        guard unsafe rename("\(self.file).new", self.file) == 0 else { throw HarnessError(call: "rename") }
    }

    /// How often it was asked.
    var calls: Int { (try? readFile("\(self.file).calls").count) ?? 0 }
    /// How often a question was taken back.
    var cancelled: Int { (try? readFile("\(self.file).cancelled").count) ?? 0 }

    fileprivate static func compile(to library: String) async throws {
        let (exit, output) = try await run([
            "cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fvisibility=hidden",
            "-shared", "-fPIC", "-I\(self.repository)/Sources/PluginABI", "-o", library,
            "\(self.repository)/Tests/Plugins/scripted-authorizer.c", "-lpthread",
        ])
        try #require(exit == .status(0), "\(output)")
        // Whatever the umask is, others must not be able to write it.
        unsafe chmod(library, 0o755)
    }
}

/// Lends a server over a journal that asks one scripted authorizer.
func withAuthorizer(
    _ configure: (inout LogHostConfiguration) -> Void = { _ in },
    _ body: (LogHostProcess, ScriptedAuthorizer, TestJournal) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let library = "\(directory)/libscripted.so"
        try await ScriptedAuthorizer.compile(to: library)
        let authorizer = ScriptedAuthorizer(file: "\(directory)/says")
        try authorizer.say("abstain")
        try await withJournal { journal in
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.morePlugins = [
                "  - name: scripted", "    library: \(library)", "    config: {file: \(authorizer.file)}",
            ]
            configuration.more = ["authorizers: [scripted]"]
            configure(&configuration)
            try await withLogHost(configuration) { server in try await body(server, authorizer, journal) }
        }
    }
}
