internal import ArgumentParser
internal import Glibc

/// Makes a path absolute, for people who type relative ones.
func absolutePath(_ path: String) -> String {
    guard !path.hasPrefix("/"), let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}

/// Where the configuration comes from, for every command that needs one.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: "The configuration file; without one this machine's journal is served on port 8080 of this machine, for a token."
    )
    var config: String?

    @Option(name: .customLong("plugin-path"), help: "A directory of plugin libraries, before the configured ones. Repeatable.")
    var pluginPath: [String] = []

    /// Reads the file, which errors may call by another name, or takes the embedded default, and completes the plugin directories.
    func load(called name: String? = nil) throws -> Configuration {
        var configuration = Configuration.embedded
        if let config { configuration = try loadConfiguration(config, called: name) }
        try configuration.addPluginPath(self.pluginPath)
        return configuration
    }
}

extension Configuration {
    /// Puts directories before those that are configured; where there are none, it is those of the program.
    mutating func addPluginPath(_ directories: [String]) throws {
        for path in directories where !path.hasPrefix("/") {
            throw ConfigurationFailure("--plugin-path: expected an absolute directory, found \"\(path)\"")
        }
        self.pluginPath = directories + self.pluginPath
        if self.pluginPath.isEmpty { self.pluginPath = Self.directoriesOfProgram }
    }

    /// Beside the executable, where a build leaves the libraries, and where an installation keeps them.
    private static var directoriesOfProgram: [String] {
        guard let program = unsafe realpath("/proc/self/exe", nil) else { return [] }
        defer { unsafe free(program) }
        let path = unsafe String(cString: program)
        guard let slash = path.lastIndex(of: "/") else { return [] }
        let directory = String(path[..<slash])
        return [directory.isEmpty ? "/" : directory, "\(directory)/../lib/loghost/plugins"]
    }
}

/// Reads and checks a configuration file; `name` is what errors call it.
func loadConfiguration(_ file: String, called name: String? = nil) throws -> Configuration {
    try readConfiguration(file, called: name) { text, name throws(ConfigurationError) in
        try Configuration.load(yaml: text, file: name)
    }
}

/// Reads a configuration file of any kind; `parse` gets its text and what errors call it.
func readConfiguration<Value>(
    _ file: String, called name: String?, _ parse: (_ text: String, _ name: String) throws(ConfigurationError) -> Value
) throws -> Value {
    let name = name ?? file
    let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw ConfigurationFailure(unsafe "\(name): expected a readable file, found: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = unsafe read(descriptor, &buffer, buffer.count)
        if count == 0 { break }
        guard count > 0, bytes.count < 2 << 20 else {
            throw ConfigurationFailure("\(name): expected a readable file of at most 1 MiB")
        }
        bytes += buffer[..<count]
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw ConfigurationFailure("\(name):1: expected UTF-8") }
    do throws(ConfigurationError) {
        return try parse(text, name)
    } catch {
        throw ConfigurationFailure(error.description)
    }
}

/// A start that the configuration forbids: one line, exit code 78 (EX_CONFIG).
struct ConfigurationFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
