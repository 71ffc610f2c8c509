/// A value together with the path that leads to it; gives itself out as the type asked for, or throws.
struct Place {
    /// Bounds every list of a principal.
    static let maximumItems = 256

    let value: Value
    let path: String

    /// Makes the error that something else was expected here.
    func wrong(_ expected: String) -> Mistake { Mistake(line: self.value.line, key: self.path, problem: "expected \(expected)") }

    /// Returns text that is not empty and one line.
    func text(_ expected: String) throws(Mistake) -> String {
        guard case .text(let text) = self.value.content, !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { throw self.wrong(expected) }
        return text
    }

    /// Returns a whole number of 32 bits.
    func number(_ expected: String) throws(Mistake) -> UInt32 {
        guard case .plain(let text) = self.value.content, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            // The largest one is the kernel's "none".
            let number = UInt32(text), number < .max
        else { throw self.wrong(expected) }
        return number
    }

    /// Returns the elements of a list with at least one.
    func list(_ expected: String, atMost maximum: Int) throws(Mistake) -> [Place] {
        guard case .list(let items) = self.value.content else { throw self.wrong(expected) }
        guard (1...maximum).contains(items.count) else { throw self.wrong("1 to \(maximum) of them") }
        return items.enumerated().map { Place(value: $1, path: "\(self.path)[\($0)]") }
    }

    /// Returns the elements of a list, or the value itself when it is none.
    func oneOrMore(_ expected: String) throws(Mistake) -> [Place] {
        guard case .list = self.value.content else { return [self] }
        return try self.list(expected, atMost: Self.maximumItems)
    }

    /// Returns the members of a mapping in their order, each key once.
    func members(_ expected: String) throws(Mistake) -> [(key: String, place: Place)] {
        guard case .mapping(let pairs) = self.value.content else { throw self.wrong(expected) }
        var seen: Set<String> = []
        var members: [(key: String, place: Place)] = []
        for (key, line, value) in pairs {
            let path = (self.path.isEmpty ? "" : "\(self.path).") + key.prefix(64)
            guard seen.insert(key).inserted else { throw Mistake(line: line, key: path, problem: "the key twice") }
            // What belongs to an empty value is to be looked for at its key.
            members.append((key, Place(value: Value(value.content, line: line ?? value.line), path: path)))
        }
        return members
    }

    /// Returns the members of a mapping that has no other keys than these.
    func members(_ expected: String, keys: [String]) throws(Mistake) -> [String: Place] {
        var members: [String: Place] = [:]
        for (key, place) in try self.members(expected) {
            guard keys.contains(key) else {
                throw Mistake(
                    line: place.value.line, key: self.path,
                    problem: "unknown key \(key.quoted); there are \(keys.joined(separator: ", "))")
            }
            members[key] = place
        }
        return members
    }
}
