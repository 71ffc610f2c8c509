/// The `Content-Disposition` of a download.
package enum Attachment {
    /// Fills a route's file-name template: `{variable}`, and `{-postfix}` with its dash only when there is one.
    package static func fileName(template: String, variables: [(name: String, value: String)], postfix: String?) -> String {
        var name = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            name += rest[..<open]
            let key = rest[rest.index(after: open)..<close]
            if key == "-postfix" {
                name += postfix.map { "-\($0)" } ?? ""
            } else {
                name += variables.first { $0.name == key }?.value ?? "{\(key)}"
            }
            rest = rest[rest.index(after: close)...]
        }
        name += rest
        // A file name, not a path.
        return name.replacing("/", with: "_")
    }

    /// Writes the header: unquoted when the name is a token, else quoted, with `filename*` (RFC 6266, RFC 8187) for the whole of it.
    package static func header(fileName: String) -> String {
        if !fileName.isEmpty, fileName.utf8.allSatisfy(isTokenByte) { return "attachment; filename=\(fileName)" }
        var quoted = ""
        for scalar in fileName.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value >= 0x7F: quoted += "_"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        var encoded = ""
        for byte in fileName.utf8 {
            if isAttributeByte(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (hex.count == 1 ? "0" : "") + hex
            }
        }
        return "attachment; filename=\"\(quoted)\"; filename*=UTF-8''\(encoded)"
    }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
}

/// RFC 9110, 5.6.2.
private func isTokenByte(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
}

/// RFC 8187, 3.2.1.
private func isAttributeByte(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "!#$&+-.^_`|~".utf8.contains(byte)
}
