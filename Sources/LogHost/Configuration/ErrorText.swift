extension String {
    /// Escapes what would break a line or hide in it, and cuts after `limit` characters.
    func onOneLine(limit: Int = 200) -> String {
        var text = ""
        for (position, scalar) in self.unicodeScalars.enumerated() {
            if position == limit {
                return text + "…"
            }
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                    text += "\\u{\(String(scalar.value, radix: 16))}"
                default:
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        return text
    }

    /// Puts the text in quotation marks for an error message: one line, at most 64 characters of it.
    func quotedForError() -> String { "\"\(self.onOneLine(limit: 64))\"" }

    /// Returns the one of `known` that is at most two edits away, and less than half of it; nil when none is so close.
    func nearest(among known: [String]) -> String? {
        guard self.utf8.count <= 64 else { return nil }
        let candidates = known.map { (key: $0, distance: self.editDistance(to: $0)) }
        guard let best = candidates.min(by: { $0.distance < $1.distance }), best.distance <= 2,
            best.distance * 2 < best.key.utf8.count
        else { return nil }
        return best.key
    }

    /// Counts the insertions, deletions and substitutions of bytes from one text to the other, letter case aside.
    private func editDistance(to other: String) -> Int {
        let target = Array(other.lowercased().utf8)
        var row = Array(0...target.count)
        for (i, byte) in self.lowercased().utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, wanted) in target.enumerated() {
                let substituted = diagonal + (byte == wanted ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = Swift.min(substituted, row[j] + 1, diagonal + 1)
            }
        }
        return row[target.count]
    }
}
