internal import ArgumentParser
internal import Logging

/// `loghost serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serves until it is told to stop.")

    @OptionGroup var options: ConfigurationOptions

    @Option(
        name: .customLong("listen"),
        help: "An address to serve instead of the configured ones: tcp://127.0.0.1:8080, unix:/path or systemd:NAME. Repeatable.")
    var listen: [String] = []

    @Option(
        name: .customLong("token-file"),
        help: "Without --config: the file of the token that lets clients in, instead of a new one each time.")
    var tokenFile: String?

    @Option(
        name: .customLong("log-level"),
        help: "trace, debug, info, notice, warning, error or critical, instead of the configured one.")
    var logLevel: String?

    @Flag(
        name: .customLong("unsafe-load-by-path"),
        help: "Loads libraries by path, for debuggers; gives up the check of what is loaded.")
    var unsafeLoadByPath = false

    func run() async throws {
        // What the environment tells of is this process's alone.
        let manager = ServiceManager.take()
        let sockets = try PassedSockets.take()
        guard self.tokenFile == nil || self.options.config == nil else {
            throw ValidationError("--token-file: expected no --config beside it, which says itself who is let in")
        }
        var configuration = try self.configuration()
        try sockets.check(configuration)
        let token = self.options.config == nil ? try LocalToken(file: self.tokenFile) : nil
        defer { token?.remove() }
        if let token { configuration.permit(tokenSHA256: token.sha256) }
        var launch = Launch(
            manager: manager, sockets: sockets, clientHeader: token?.header, loadsByPath: self.unsafeLoadByPath, readAgain: nil)
        if self.options.config != nil { launch.readAgain = { try self.configuration(called: "configuration") } }
        try await Program.serve(configuration, launch) {
            if let token, token.isFresh { print("The token, until this ends:  \(token.file)") }
        }
    }

    /// Reads the configuration, which errors may call by another name, and puts over it what the command line says.
    private func configuration(called name: String? = nil) throws -> Configuration {
        var configuration = try self.options.load(called: name)
        if let text = self.logLevel {
            guard let level = Logger.Level(rawValue: text.lowercased()) else {
                throw ValidationError("--log-level: expected \(Logger.Level.expected), found \(text.quotedForError())")
            }
            configuration.logLevel = level
        }
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
        return configuration
    }
}
