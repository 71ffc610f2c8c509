/// What parameters may be, as JSON Schema says it: no narrower than what is taken where that can be said.
enum ParameterSchema {
    typealias Members = [(String, JSONText.Value)]

    static var text: Members { [("type", .text("string"))] }
    static var count: Members {
        self.given([("type", .text("integer")), ("minimum", .number(0)), ("maximum", .number(UInt64.max))])
    }
    static var steps: Members {
        self.given([("type", .text("integer")), ("minimum", .integer(Int64.min)), ("maximum", .integer(Int64.max))])
    }
    static var flag: Members { self.given([("type", .text("boolean"))]) }

    /// A value, or none: an empty parameter is as good as no parameter.
    private static func given(_ schema: Members) -> Members {
        [("anyOf", .array([.object(schema), .object(self.text + [("maxLength", .number(0))])]))]
    }

    static func pattern(_ pattern: String) -> Members { self.text + [("pattern", .text(pattern))] }

    /// One of some words.
    static func words(_ words: [String]) -> Members { self.text + [("enum", .list(words + [""]))] }

    /// Text without control characters.
    static var printable: Members { Self.pattern(#"^[^\u0000-\u001f\u007f-\u009f]*$"#) }

    /// A segment of a path, or several.
    static func segment(takesMore: Bool) -> Members {
        self.pattern(takesMore ? #"^[^\u0000-\u001f\u007f]+$"# : #"^(?!\.{1,2}$)[^\u0000-\u001f\u007f/]+$"#)
    }

    /// A filter: a field's name, a colon, a value of any bytes.
    static var filter: Members { Self.pattern("^(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}:") }

    /// A moment.
    static var bound: Members {
        let time = self.text + [("format", .text("date-time")), ("pattern", .text("^(19[7-9]|2[0-9]{2})[0-9]"))]
        let patterns = [#"^@[0-9]{1,10}(\.[0-9]{1,9})?$"#, "^(-[0-9]{1,4}[smhdw])?$"]
        return [("anyOf", .array([.object(time)] + patterns.map { .object(self.pattern($0)) }))]
    }

    /// The cursor of an entry, or one of the `words`.
    static func cursor(of dialect: Dialect, or words: String) -> Members {
        let hex = "[0-9a-f]"
        return switch dialect {
        case .lines: self.pattern("^(\(words)|[0-9]{1,18}(~\(hex){8})?)?$")
        case .journalV1, .journalV2, .none:
            self.pattern(
                "^(\(words)|s=\(hex){32};i=\(hex){1,16};b=\(hex){32};m=\(hex){1,16};t=\(hex){1,16};x=\(hex){1,16})?$")
        }
    }
}
