internal import Glibc
internal import Testing

/// Compiles a plugin in C with one line; `source` is its path in the repository.
func compilePlugin(_ source: String, to library: String, _ options: [String] = []) async throws {
    let repository = String(#filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" })
    let (exit, output) = try await run(
        [
            "cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fvisibility=hidden", "-shared", "-fPIC",
            "-I\(repository)/Sources/PluginABI", "-o", library, "\(repository)/\(source)", "-lpthread",
        ] + options)
    try #require(exit == .status(0), "\(output)")
    // Whatever the umask is, others must not be able to write it.
    unsafe chmod(library, 0o755)
}
