internal import ArgumentParser
internal import Glibc

/// The program's commands.
struct LogHostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loghost", abstract: "Serves a node's logs over HTTP, through plugins.", version: LogHostVersion.text,
        subcommands: [ServeCommand.self, PluginsCommand.self, ConfigCommand.self, DCOSLogCommand.self])
}

/// The program. A configuration that cannot be served ends it with one line and 78, `EX_CONFIG` of sysexits.h.
@main
enum Main {
    static func main() async {
        do {
            var command = try LogHostCommand.parseAsRoot(DCOSLogCommand.translated(Array(CommandLine.arguments.dropFirst())))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as ConfigurationFailure {
            let line = Array("loghost: \(failure.description)\n".utf8)
            unsafe write(STDERR_FILENO, line, line.count)
            exit(78)
        } catch {
            LogHostCommand.exit(withError: error)
        }
    }
}
