internal import Glibc
internal import Testing

/// An authorizer in C that says what its file says; see `Tests/Plugins/scripted-authorizer.c`.
struct ScriptedAuthorizer: Sendable {
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
}

/// Lends a server over a journal that asks one scripted authorizer.
func withAuthorizer(
    _ configure: (inout LogHostConfiguration) -> Void = { _ in },
    _ body: (LogHostProcess, ScriptedAuthorizer, TestJournal) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let library = "\(directory)/libscripted.so"
        try await compilePlugin("Tests/Plugins/scripted-authorizer.c", to: library)
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
