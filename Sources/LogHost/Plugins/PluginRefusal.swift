/// Why a plugin is not loaded: which file, what was expected, what was found. One line.
package struct PluginRefusal: Error, CustomStringConvertible, Hashable, Sendable {
    package var file: String
    package var expected: String
    package var found: String

    package init(file: String, expected: String, found: String) {
        self.file = file
        self.expected = expected
        self.found = found
    }

    package var description: String {
        "plugin \(self.file): expected \(self.expected), found \(self.found)"
    }
}
