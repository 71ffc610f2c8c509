internal import ArgumentParser

/// `loghost config`
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Checks and explains configuration files.", subcommands: [Check.self, Example.self])

    /// `loghost config check FILE`
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Says whether a file is a good configuration.")

        @Argument(help: "The configuration file.")
        var file: String

        func run() throws {
            _ = try loadConfiguration(self.file)
            print("\(self.file): good")
        }
    }

    /// `loghost config example`
    struct Example: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "example", abstract: "Prints a configuration with every key.")

        func run() {
            print(Configuration.example, terminator: "")
        }
    }
}
