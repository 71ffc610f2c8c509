internal import ArgumentParser
internal import Logging

/// `loghost plugins`
struct PluginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins", abstract: "Shows plugin libraries without serving.", subcommands: [List.self, Inspect.self])

    /// `loghost plugins list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the configured plugins.")

        @OptionGroup var options: ConfigurationOptions

        func run() throws {
            let configuration = try self.options.load()
            for plugin in configuration.plugins {
                let library = try load(plugin, configuration)
                print("\(plugin.name): \(library.name) \(library.version), \(library.path)")
                try print("  sha256 \(library.sha256)")
            }
        }
    }

    /// `loghost plugins inspect FILE`
    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "inspect", abstract: "Shows what a library is and serves, without starting it.")

        @Argument(help: "The library's absolute path.")
        var file: String

        @Option(help: "The plugin's configuration as JSON, where it needs one to say what it serves.")
        var config = "{}"

        func run() throws {
            let library: LoadedLibrary
            do throws(PluginRefusal) {
                library = try LoadedLibrary.load(library: absolutePath(self.file), directories: [])
            } catch {
                throw ConfigurationFailure(error.description)
            }
            print("name:    \(library.name)")
            print("version: \(library.version)")
            print("summary: \(library.summary)")
            print("file:    \(library.path)")
            try print("sha256:  \(library.sha256)")
            let services = HostServices(
                name: library.name, logger: Logger(label: "loghost"), wakes: WakeRegistry(), watches: DescriptorWatch())
            let instance: PluginInstance
            do throws(PluginFailure) {
                instance = try PluginInstance(
                    name: library.name, configuration: Array(self.config.utf8), library: library, services: services)
            } catch {
                throw ConfigurationFailure("plugin \(library.name): \(error.message)")
            }
            print("kinds:   \(instance.kinds.joined(separator: ", "))")
            for route in instance.routes { print("route:   \(route.method) \(route.path)  \(route.summary)") }
            for encoder in instance.encoders {
                print("format:  \(encoder.name)  \(encoder.mediaTypes.joined(separator: ", "))  \(encoder.summary)")
            }
        }
    }
}

private func load(_ plugin: PluginConfiguration, _ configuration: Configuration) throws -> LoadedLibrary {
    do throws(PluginRefusal) {
        return try LoadedLibrary.load(library: plugin.library, directories: configuration.pluginPath, sha256: plugin.sha256)
    } catch {
        throw ConfigurationFailure(error.description)
    }
}
