internal import ArgumentParser
internal import Glibc
internal import Logging

/// `loghost serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serves until it is told to stop.")

    @OptionGroup var options: ConfigurationOptions

    @Option(
        name: .customLong("listen"),
        help: "An address to serve instead of the configured ones: tcp://127.0.0.1:8080 or unix:/path. Repeatable.")
    var listen: [String] = []

    @Option(name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    @Flag(
        name: .customLong("unsafe-load-by-path"),
        help: "Loads libraries by path, for debuggers; gives up the check of what is loaded.")
    var unsafeLoadByPath = false

    func run() async throws {
        guard let level = Logger.Level(rawValue: self.logLevel.lowercased()) else {
            throw ValidationError("--log-level: expected a level such as info, found \"\(self.logLevel)\"")
        }
        var configuration = try self.options.load()
        if !self.listen.isEmpty {
            configuration.listen = try self.listen.map { text in
                do throws(InvalidValue) {
                    return try ListenAddress(text)
                } catch {
                    throw ConfigurationFailure("--listen: expected \(error.expected), found \(error.found)")
                }
            }
        }
        if let address = configuration.unprotectedAddress {
            throw ConfigurationFailure(
                "listen: \(address): expected a loopback address, an authorizer or insecure: true, found an address that other machines reach"
            )
        }
        // A unix socket is nobody else's until it has the mode that was configured.
        umask(0o177)
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "loghost")
        logger.logLevel = level
        let program = try Program(
            configuration: configuration, unsafeLoadByPath: self.unsafeLoadByPath, logger: logger)
        try await program.run()
    }
}
