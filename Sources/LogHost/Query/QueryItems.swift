/// The parameters of a request's URL, decoded once.
///
/// `&` separates, the first `=` divides, `+` is a space; `;` is an ordinary character, because journal cursors are full
/// of them. A parameter without `=` has the empty value.
package struct QueryItems: Sendable {
    /// How many items are read at most; no honest request comes near it.
    package static let limit = 1_000

    /// Parameters that are text. Of others nothing is asked; in a filter a journal field's value need not be text.
    private static let texts: Set<String> = [
        "cursor", "explain", "follow", "format", "limit", "on_slow", "postfix", "read_reverse", "since", "skip", "skip_next",
        "skip_prev", "until", "values",
    ]

    private struct Item: Sendable {
        var name: String
        var value: [UInt8]
    }

    private var items: [Item] = []

    /// Decodes what stands behind the `?`, which may be empty.
    ///
    /// Throws a 400 that names the parameter where percent-encoding is broken or a text's value is not UTF-8.
    package init(_ raw: String) throws(Problem) {
        for item in raw.utf8.split(separator: UInt8(ascii: "&")) {
            guard self.items.count < Self.limit else {
                throw Problem(400, "The query has more than \(Self.limit) parameters.")
            }
            self.items.append(try Self.decode(item))
        }
    }

    /// Answers the first value of a parameter, or nil where it is not given. What is not UTF-8 is repaired.
    package func first(_ name: String) -> String? {
        self.firstBytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Answers every value of a parameter, in order. What is not UTF-8 is repaired.
    package func all(_ name: String) -> [String] {
        self.allBytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Answers the first value of a parameter as it was sent, or nil where it is not given.
    package func firstBytes(_ name: String) -> [UInt8]? {
        self.items.first { $0.name == name }?.value
    }

    /// Answers every value of a parameter as it was sent, in order.
    package func allBytes(_ name: String) -> [[UInt8]] {
        self.items.filter { $0.name == name }.map(\.value)
    }

    private static func decode(_ item: Substring.UTF8View) throws(Problem) -> Item {
        let divider = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
        let rawName = item[..<divider]
        let rawValue = item[divider...].dropFirst()

        guard let nameBytes = FormDecoding.decode(rawName, plusIsSpace: true) else {
            throw self.fault("has a broken percent-encoding in its name", name: String(decoding: rawName, as: UTF8.self))
        }
        // No known name becomes another one.
        let name = String(decoding: nameBytes, as: UTF8.self)
        guard let value = FormDecoding.decode(rawValue, plusIsSpace: true) else {
            throw self.fault("has a broken percent-encoding", name: name)
        }
        guard !self.texts.contains(name) || String(validating: value, as: UTF8.self) != nil else {
            throw self.fault("is not UTF-8", name: name)
        }
        return Item(name: name, value: value)
    }

    /// Names the parameter only where the name is short and printable: the client chose it.
    private static func fault(_ what: String, name: String) -> Problem {
        let isPresentable = !name.isEmpty && name.utf8.count <= 64 && !name.utf8.contains { $0 < 0x20 || $0 == 0x7f }
        return isPresentable
            ? Problem(400, "The parameter \(name) \(what).", parameter: name)
            : Problem(400, "A parameter \(what).")
    }
}
