/// Why a plugin was not loaded: which file, what was expected of it, and what was found instead.
package struct PluginRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The library as the configuration names it, its path once found, and `path -> target` where that is a link.
    package var file: String
    package var expected: String
    package var found: String

    package init(file: String, expected: String, found: String) {
        self.file = file
        self.expected = expected
        self.found = found
    }

    /// Says it in one line, whatever bytes the names hold.
    package var description: String {
        Self.oneLine("plugin \(self.file): expected \(self.expected), found \(self.found)")
    }

    /// Puts a space for every line break and control character.
    private static func oneLine(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            line.append(scalar.isBreakOrControl ? " " : scalar)
        }
        return String(line)
    }
}

extension Unicode.Scalar {
    /// Tells whether this would break a line or steer a terminal.
    var isBreakOrControl: Bool {
        switch self.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
