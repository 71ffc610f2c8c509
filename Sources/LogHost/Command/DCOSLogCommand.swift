internal import ArgumentParser

/// `loghost dcos-log`: started in the place of dcos-log, with its options and its file.
struct DCOSLogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dcos-log",
        abstract: "Serves in the place of dcos-log: takes its options, its file and its socket.",
        discussion:
            "Options count more than the file. Without a port and a socket from systemd it listens on \(DCOSLogSettings.socket).")

    @Option(name: .customLong("config"), help: "A file of JSON, such as {\"role\": \"agent\"}.")
    var config: String?

    @Option(name: .customLong("role"), help: "master, agent or agent_public; without it only the journal is served.")
    var role: String?

    @Option(name: .customLong("port"), help: "A port of TCP; of this machine alone while nothing authorizes requests.")
    var port: Int?

    @Flag(name: .customLong("auth"), inversion: .prefixedNo, help: "Asks for tokens; with a role it is always so.")
    var auth: Bool?

    @Option(name: .customLong("ca-cert"), help: "Who has signed the certificate of the masters' gateway: a file of PEM.")
    var authoritiesFile: String?

    @Option(name: .customLong("timeout"), help: "For one request to Mesos, such as 10s.")
    var timeout: String?

    @Flag(name: .customLong("verbose"), inversion: .prefixedNo, help: "Logs in detail.")
    var verbose: Bool?

    @Option(name: .customLong("config-json-schema"), help: .hidden)
    var schema: String?

    @Option(name: .customLong("plugin-path"), help: "A directory of plugin libraries, before the usual ones. Repeatable.")
    var pluginPath: [String] = []

    /// The arguments in the forms that are known here. Go reads options with one dash or two, and flags also as `-auth=false`.
    static func translated(_ arguments: [String]) -> [String] {
        guard arguments.first == Self.configuration.commandName else { return arguments }
        return arguments.map { argument in
            let hasOneDash = argument.hasPrefix("-") && !argument.hasPrefix("--") && argument.utf8.count > 2
            let argument = hasOneDash ? "-\(argument)" : argument
            guard let flag = ["auth", "verbose"].first(where: { argument.hasPrefix("--\($0)=") }) else { return argument }
            switch argument.dropFirst(flag.utf8.count + 3) {
            case "true", "1", "t", "T", "TRUE", "True": return "--\(flag)"
            case "false", "0", "f", "F", "FALSE", "False": return "--no-\(flag)"
            default: return argument
            }
        }
    }

    func run() async throws {
        let manager = ServiceManager.take()
        let sockets = try PassedSockets.take()
        let configuration = try self.configuration(sockets)
        try sockets.check(configuration)
        let launch = Launch(manager: manager, sockets: sockets, clientHeader: nil, loadsByPath: false) {
            try self.configuration(sockets, called: "configuration")
        }
        try await Program.serve(configuration, launch)
    }

    /// Reads the file, which errors may call by another name, and puts over it what the command line says.
    private func configuration(_ sockets: PassedSockets, called name: String? = nil) throws -> Configuration {
        var settings = DCOSLogSettings()
        if let config {
            settings = try readConfiguration(config, called: name) { text, name throws(ConfigurationError) in
                try DCOSLogSettings(json: text, file: name)
            }
        }
        settings.override(by: try self.options())
        var configuration = settings.configuration(sockets: sockets.names)
        try configuration.addPluginPath(self.pluginPath)
        return configuration
    }

    private func options() throws -> DCOSLogSettings {
        var settings = DCOSLogSettings()
        settings.role = try self.role.map { text in try Self.parsed("-role", text, DCOSLogSettings.role) }
        settings.timeout = try self.timeout.map { text in try Self.parsed("-timeout", text, DCOSLogSettings.timeout) }
        settings.port = self.port
        if let port, !(0...65_535).contains(port) { throw ValidationError("-port: expected 0 to 65535, found \(port)") }
        settings.authoritiesFile = self.authoritiesFile
        settings.authorizes = self.auth
        settings.isVerbose = self.verbose
        return settings
    }

    private static func parsed<Value>(
        _ name: String, _ text: String, _ parse: (String) throws(InvalidValue) -> Value
    ) throws -> Value {
        do throws(InvalidValue) {
            return try parse(text)
        } catch {
            throw ValidationError("\(name): expected \(error.expected), found \(error.found)")
        }
    }
}
