import Yams

extension ConfigurationError {
    /// Translates what the YAML parser says: its sentence without its drawing of the place.
    init(_ error: YamlError, in yaml: String, file: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let sentence = [context?.text, problem].compactMap { $0 }.joined(separator: ", ")
            self.init(file: file, line: mark.line, column: mark.column, key: "", reason: .syntax(sentence))
        case .composer(let context, let problem, let mark, _):
            // Yams composes two complaints: a second document, which comes with a context, and an alias without an anchor.
            let reason: Reason =
                context == nil ? .syntax(problem) : .mismatch(expected: "one YAML document", found: "another one")
            self.init(file: file, line: mark.line, column: mark.column, key: "", reason: reason)
        case .duplicatedKeysInMapping(let duplicates, let context):
            self.init(
                file: file, line: context.mark.line, column: context.mark.column,
                key: (duplicates.first ?? "").asPathComponent(), reason: .duplicateKey)
        case .reader(let problem, let offset, _, _):
            let end = yaml.index(yaml.startIndex, offsetBy: offset ?? 0, limitedBy: yaml.endIndex) ?? yaml.endIndex
            let line = yaml[..<end].count(where: \.isNewline) + 1
            self.init(file: file, line: line, key: "", reason: .syntax(problem))
        default:
            self.init(file: file, line: 1, key: "", reason: .syntax("the parser failed"))
        }
    }
}

extension String {
    /// Returns a key as it stands in an error's path: as it is when it is a plain word, else in quotation marks.
    func asPathComponent() -> String {
        let plain = self.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return plain && (1...64).contains(self.utf8.count) ? self : self.quotedForError()
    }
}
