internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Metrics

/// `loghost serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serves until it is told to stop.")

    @OptionGroup var options: ConfigurationOptions

    @Option(
        name: .customLong("listen"),
        help: "An address to serve instead of the configured ones: tcp://127.0.0.1:8080 or unix:/path. Repeatable.")
    var listen: [String] = []

    @Option(
        name: .customLong("token-file"),
        help: "Without --config: the file of the token that lets clients in, instead of a new one each time.")
    var tokenFile: String?

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
        guard self.tokenFile == nil || self.options.config == nil else {
            throw ValidationError("--token-file: expected no --config beside it, which says itself who is let in")
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
        let token = self.options.config == nil ? try LocalToken(file: self.tokenFile) : nil
        defer { token?.remove() }
        if let token { configuration.permit(tokenSHA256: token.sha256) }
        // A unix socket is nobody else's until it has the mode that was configured.
        umask(0o177)
        LoggingSystem.bootstrap { LineLogHandler(label: $0) }
        let metrics = MetricStore()
        MetricsSystem.bootstrap(metrics.factory())
        defer { LineWriter.standardError.flush(within: .seconds(1)) }
        var logger = Logger(label: "loghost")
        logger.logLevel = level
        let program = try Program(
            configuration: configuration, metrics: metrics, clientHeader: token?.header,
            unsafeLoadByPath: self.unsafeLoadByPath, logger: logger)
        if let token, token.isFresh { print("The token, until this ends:  \(token.file)") }
        try await program.run()
    }
}
