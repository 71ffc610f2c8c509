/// The JSON formats, written down once more, slowly and without buffers.
package enum ReferenceJSON {
    package static func object(
        _ fields: [(name: [UInt8], value: [UInt8])], cursor: [UInt8]?, realtime: UInt64, monotonic: UInt64, exact: Bool = false,
        lines: Bool = false
    ) -> [UInt8] {
        var members: [[UInt8]] = []
        for (index, field) in fields.enumerated() {
            let same = fields.filter { $0.name == field.name }.map(\.value)
            let others = exact ? fields[..<index] : fields[(index + 1)...]
            if others.contains(where: { $0.name == field.name }) { continue }
            let name = self.string(field.name) + Array(":".utf8)
            if !exact {
                members.append(name + self.string(field.value))
            } else if same.count == 1 {
                members.append(name + self.exact(field.value))
            } else {
                members.append(
                    name + Array("[".utf8) + Array(same.map(self.exact).joined(separator: Array(",".utf8))) + Array("]".utf8))
            }
        }
        var bytes = Array("{\"fields\":{".utf8) + Array(members.joined(separator: Array(",".utf8))) + Array("}".utf8)
        if let cursor { bytes += Array(",\"cursor\":".utf8) + self.string(cursor) }
        if !lines {
            bytes += Array(",\"monotonic_timestamp\":\(monotonic),\"realtime_timestamp\":\(realtime)".utf8)
        }
        return bytes + Array("}".utf8)
    }

    private static func exact(_ value: [UInt8]) -> [UInt8] {
        if String(validating: value, as: UTF8.self) != nil { return self.string(value) }
        return Array("[\(value.map { "\($0)" }.joined(separator: ","))]".utf8)
    }

    /// A JSON string; each byte that belongs to no character is a U+FFFD, as in Go's encoding/json.
    package static func string(_ value: [UInt8]) -> [UInt8] {
        var result = Array("\"".utf8)
        for scalar in self.scalars(value) {
            switch scalar {
            case "\"": result += "\\\"".utf8
            case "\\": result += "\\\\".utf8
            case "\u{8}": result += "\\b".utf8
            case "\t": result += "\\t".utf8
            case "\n": result += "\\n".utf8
            case "\u{C}": result += "\\f".utf8
            case "\r": result += "\\r".utf8
            case _ where scalar.value < 0x20:
                result += "\\u00\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))".utf8
            default: result += String(Character(scalar)).utf8
            }
        }
        return result + Array("\"".utf8)
    }

    /// The characters, found by asking the standard library of each beginning of what is left.
    package static func scalars(_ value: [UInt8]) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        var rest = value[...]
        while let first = rest.first {
            var length = 0
            if first < 0x80 {
                scalars.append(Unicode.Scalar(first))
                length = 1
            } else {
                for count in 2...4 where length == 0 && count <= rest.count {
                    guard let text = String(validating: rest.prefix(count), as: UTF8.self), text.unicodeScalars.count == 1 else {
                        continue
                    }
                    scalars += text.unicodeScalars
                    length = count
                }
            }
            if length == 0 {
                scalars.append("\u{FFFD}")
                length = 1
            }
            rest = rest.dropFirst(length)
        }
        return scalars
    }
}
