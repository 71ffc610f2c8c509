/// Small JSON documents for problems, events, health and descriptions: never on the path of entries.
enum JSONText {
    enum Value {
        case text(String)
        case number(UInt64)
        case integer(Int64)
        case bool(Bool)
        case list([String])
        case array([Value])
        case object([(String, Value)])
        case null
    }

    static func object(_ members: [(String, Value)]) -> String {
        "{" + members.map { "\(self.string($0)):\(self.value($1))" }.joined(separator: ",") + "}"
    }

    private static func value(_ value: Value) -> String {
        switch value {
        case .text(let text): self.string(text)
        case .number(let number): "\(number)"
        case .integer(let number): "\(number)"
        case .bool(let bool): bool ? "true" : "false"
        case .list(let list): "[" + list.map { self.string($0) }.joined(separator: ",") + "]"
        case .array(let values): "[" + values.map { self.value($0) }.joined(separator: ",") + "]"
        case .object(let members): self.object(members)
        case .null: "null"
        }
    }

    private static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
