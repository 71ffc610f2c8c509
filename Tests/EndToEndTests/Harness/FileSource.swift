internal import Glibc
internal import Testing

/// A directory whose files the example source in C serves.
struct FileSource: Sendable {
    let directory: String

    func path(_ name: String) -> String { "\(self.directory)/\(name)" }

    /// Adds to a file, which must exist.
    func append(_ text: String, to name: String) throws {
        let number = unsafe open(self.path(name), O_WRONLY | O_APPEND | O_CLOEXEC)
        guard number >= 0 else { throw HarnessError(call: "open \(name)") }
        try Descriptor(number).write(Array(text.utf8), by: .now + .seconds(10))
    }

    func truncate(_ name: String) throws {
        guard unsafe Glibc.truncate(self.path(name), 0) == 0 else { throw HarnessError(call: "truncate \(name)") }
    }

    func rename(_ name: String, to newName: String) throws {
        guard unsafe Glibc.rename(self.path(name), self.path(newName)) == 0 else { throw HarnessError(call: "rename \(name)") }
    }
}

/// Lends a server that gives out the files of a directory through the example source in C, at `/v2/files/{name}`.
func withFileSource(
    _ configure: (inout LogHostConfiguration) -> Void = { _ in }, _ body: (LogHostProcess, FileSource) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let library = "\(directory)/libfiles.so"
        try await compilePlugin("Examples/c-source/source.c", to: library)
        let files = FileSource(directory: "\(directory)/files")
        unsafe mkdir(files.directory, 0o755)
        try await withJournal { journal in
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.morePlugins = [
                "  - name: files", "    library: \(library)", "    config:", "      directory: \(files.directory)",
            ]
            configure(&configuration)
            try await withLogHost(configuration) { server in try await body(server, files) }
        }
    }
}
