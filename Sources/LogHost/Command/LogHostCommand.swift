internal import ArgumentParser

/// The program.
@main
struct LogHostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loghost", abstract: "Serves a node's logs over HTTP, through plugins.", version: LogHostVersion.text,
        subcommands: [ServeCommand.self, PluginsCommand.self, ConfigCommand.self])
}
