internal import SwiftASN1
internal import X509

extension DistinguishedName {
    /// The text of RFC 4514: the most specific part first, such as `CN=agent,O=Example`.
    var rfc4514: String {
        self.reversed().map { part in part.map(\.rfc4514).joined(separator: "+") }.joined(separator: ",")
    }
}

extension RelativeDistinguishedName.Attribute {
    /// The short names of RFC 4514, section 3; all others are numbers.
    private static let shortNames: [String: String] = [
        "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
        "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
    ]

    fileprivate var rfc4514: String {
        let type = String(describing: self.type)
        guard let name = Self.shortNames[type], let text = String(self.value), !text.unicodeScalars.contains("\u{FFFD}") else {
            return "\(type)=\(self.hexadecimal)"
        }
        return "\(name)=\(Self.escape(text))"
    }

    /// The encoded value, for types without a text of their own and for values that are none.
    private var hexadecimal: String {
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(ASN1Any(self.value))) != nil else { return "#" }
        return "#" + serializer.serializedBytes.map(Self.hexadecimal).joined()
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// Escapes what separates, and all that cannot be seen, so that no name can be taken for another.
    private static func escape(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var escaped = ""
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "\"", "+", ",", ";", "<", ">", "\\":
                escaped += "\\\(scalar)"
            case " " where index == 0 || index == scalars.count - 1, "#" where index == 0:
                escaped += "\\\(scalar)"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                    escaped += String(scalar).utf8.map { "\\" + self.hexadecimal($0) }.joined()
                default:
                    escaped.unicodeScalars.append(scalar)
                }
            }
        }
        return escaped
    }
}
