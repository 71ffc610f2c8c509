/// A mistake in the principals: where it is and what is wrong with it, never what a token or a hash was.
package struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counts from 1; nil in the host's configuration, which names the line itself.
    package var line: Int?
    /// The path of the key, such as `principals[1].sha256`; empty for the whole.
    package var key: String
    package var problem: String

    package var description: String {
        (self.line.map { "line \($0): " } ?? "") + (self.key.isEmpty ? "" : "\(self.key): ") + self.problem
    }
}

extension String {
    /// Shows text in an error: one line, in quotation marks, at most 64 characters of it.
    var quoted: String {
        var text = ""
        for (position, scalar) in self.unicodeScalars.enumerated() {
            if position == 64 { return "\"\(text)…\"" }
            let isPlain =
                !(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar.properties.isDefaultIgnorableCodePoint)
            text.unicodeScalars.append(isPlain ? scalar : "?")
        }
        return "\"\(text)\""
    }
}
