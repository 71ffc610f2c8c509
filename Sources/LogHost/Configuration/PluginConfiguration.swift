/// Names a plugin to load, and holds what it is told.
package struct PluginConfiguration: Sendable, Hashable {
    /// Names the plugin in logs, metrics and `authorizers`: 1 to 64 of the characters a-z, 0-9 and `-`, unique in the file.
    package var name: String
    /// Names a file to look for in the plugin directories, or is an absolute path.
    package var library: String
    /// Pins the SHA-256 of the library's bytes: 64 hexadecimal digits in lower case.
    package var sha256: String?
    /// Grants the plugin the verified credential of each request.
    package var getsCredential = false
    /// Holds the plugin's own configuration: a JSON object in UTF-8.
    package var config: [UInt8]
    /// Gives the line of the file where the plugin begins, for errors that come later; 0 without a file.
    package var line: Int

    package init(name: String, library: String, sha256: String? = nil, config: [UInt8] = Array("{}".utf8), line: Int = 0) {
        self.name = name
        self.library = library
        self.sha256 = sha256
        self.config = config
        self.line = line
    }
}

extension PluginConfiguration {
    /// Reads one element of `plugins`, whose name none of the earlier ones has. Throws the first mistake.
    init(_ reader: YAMLReader, after earlier: [PluginConfiguration]) throws(ConfigurationError) {
        let map = try reader.mapping(
            "a plugin with name and library", keys: ["name", "library", "sha256", "config", "credential"])
        self.init(name: try Self.name(map, after: earlier), library: try Self.library(map), line: reader.line)
        if let pin = map["sha256"] {
            self.sha256 = try Self.sha256(pin)
        }
        if let config = map["config"] {
            self.config = try config.jsonObject()
        }
        if let credential = map["credential"] {
            self.getsCredential = try credential.bool()
        }
    }

    private static func name(_ map: YAMLMapping, after earlier: [PluginConfiguration]) throws(ConfigurationError) -> String {
        let expected = "a name of 1 to 64 characters a-z, 0-9 and -"
        let reader = try map.required("name", expected)
        let name = try reader.string(expected)
        let allowed = name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
        guard allowed, (1...64).contains(name.utf8.count) else { throw reader.wrong(expected) }
        if let twin = earlier.first(where: { $0.name == name }) {
            throw reader.wrong("a name of its own", found: "\"\(name)\", which the plugin in line \(twin.line) has")
        }
        return name
    }

    private static func library(_ map: YAMLMapping) throws(ConfigurationError) -> String {
        let expected = "a file name or an absolute path"
        let reader = try map.required("library", expected)
        let library = try reader.string(expected)
        let isName = !library.contains("/") && !["", ".", ".."].contains(library) && library.utf8.count <= 255
        let isPath = library.hasPrefix("/") && !library.hasSuffix("/") && library.utf8.count <= 4095
        guard isName || isPath else { throw reader.wrong(expected) }
        return library
    }

    private static func sha256(_ reader: YAMLReader) throws(ConfigurationError) -> String {
        let expected = "a SHA-256 of 64 hexadecimal digits"
        let text = try reader.text(expected)
        let isHexadecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
        guard isHexadecimal, text.utf8.count == 64 else { throw reader.wrong(expected) }
        return text.lowercased()
    }
}
