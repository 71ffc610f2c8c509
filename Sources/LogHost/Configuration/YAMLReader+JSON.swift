import Yams

extension YAMLReader {
    /// Returns the mapping as a JSON object (RFC 8259) in UTF-8; throws for another type, and for what JSON cannot say:
    /// infinities, tags of one's own, keys that are not text. Whole numbers must fit in 64 bits.
    func jsonObject() throws(ConfigurationError) -> [UInt8] {
        guard case .mapping = self.node else { throw self.wrong("a mapping") }
        var json: [UInt8] = []
        try self.appendJSON(to: &json)
        return json
    }

    private func appendJSON(to json: inout [UInt8]) throws(ConfigurationError) {
        switch self.node {
        case .mapping(let pairs): try self.append(pairs, to: &json)
        case .sequence(let items):
            json.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                try YAMLReader(node: item, file: self.file, path: "\(self.path)[\(index)]").appendJSON(to: &json)
            }
            json.append(UInt8(ascii: "]"))
        case .scalar, .alias: try self.appendScalar(to: &json)
        }
    }

    private func append(_ pairs: Node.Mapping, to json: inout [UInt8]) throws(ConfigurationError) {
        var seen: Set<String> = []
        json.append(UInt8(ascii: "{"))
        for (key, value) in pairs {
            let name = try YAMLMapping.name(of: key, in: self)
            let reader = YAMLReader(node: value, file: self.file, path: YAMLMapping.path(of: name, in: self))
            if !seen.isEmpty { json.append(UInt8(ascii: ",")) }
            guard seen.insert(name).inserted else { throw YAMLMapping.error(key, reader, .duplicateKey) }
            Self.append(name, to: &json)
            json.append(UInt8(ascii: ":"))
            try reader.appendJSON(to: &json)
        }
        json.append(UInt8(ascii: "}"))
    }

    private func appendScalar(to json: inout [UInt8]) throws(ConfigurationError) {
        switch self.scalar {
        case .null: json += "null".utf8
        case .bool(let value): json += (value ? "true" : "false").utf8
        case .string(let text): Self.append(text, to: &json)
        case .integer(let digits):
            guard Int64(digits) != nil || UInt64(digits) != nil else { throw self.wrong("a whole number of at most 64 bits") }
            json += digits.utf8
        case .float(let value):
            guard value.isFinite else { throw self.wrong("a number that JSON can hold") }
            json += value.description.utf8
        case nil: throw self.wrong("a value without a tag of its own")
        }
    }

    private static func append(_ text: String, to json: inout [UInt8]) {
        json.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): json += [UInt8(ascii: "\\"), byte]
            case 0..<0x20: json += ("\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)).utf8
            default: json.append(byte)
            }
        }
        json.append(UInt8(ascii: "\""))
    }
}
