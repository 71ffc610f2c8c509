internal import Yams

extension Value {
    /// Bounds the text of a file.
    package static let maximumBytes = 1 << 20
    /// Bounds the values and keys, with every alias written out.
    private static let maximumNodes = 250_000
    /// Bounds aliases before the parser meets them: it compares keys, and one made of nested aliases would take for ever.
    private static let maximumAliases = 32
    /// Bounds the lists and mappings around a value; the principals need four.
    private static let maximumDepth = 8

    /// Parses the only document of a file, YAML 1.2 with its core schema.
    package init(yaml: String) throws(Mistake) {
        guard yaml.utf8.count <= Self.maximumBytes else { throw Mistake(line: 1, key: "", problem: "expected at most 1 MiB") }
        guard Self.countAliases(in: yaml) <= Self.maximumAliases else {
            throw Mistake(line: 1, key: "", problem: "expected at most \(Self.maximumAliases) aliases (*name)")
        }
        let root: Node?
        do {
            // No rules, so no regular expressions. Without an encoding the environment would decide.
            root = try Yams.compose(yaml: yaml, .basic, .default, .utf8)
        } catch {
            throw Mistake(error as? YamlError ?? .no, in: yaml)
        }
        guard let root else { throw Mistake(line: 1, key: "", problem: "expected principals, found nothing") }
        var left = Self.maximumNodes
        self = try Self.converted(root, depth: 1, left: &left)
    }

    private static func converted(_ node: Node, depth: Int, left: inout Int) throws(Mistake) -> Value {
        let line = node.mark?.line
        left -= 1
        guard left >= 0 else { throw Mistake(line: line, key: "", problem: "expected at most \(Self.maximumNodes) values") }
        guard depth <= Self.maximumDepth else {
            throw Mistake(line: line, key: "", problem: "expected at most \(Self.maximumDepth) levels")
        }
        switch node {
        case .scalar(let scalar): return Value(Self.resolved(scalar), line: line)
        case .sequence(let items):
            var values: [Value] = []
            for item in items { values.append(try Self.converted(item, depth: depth + 1, left: &left)) }
            return Value(.list(values), line: line)
        case .mapping(let pairs):
            var members: [(key: String, line: Int?, value: Value)] = []
            for (key, value) in pairs {
                left -= 1
                guard case .scalar(let name) = key else {
                    throw Mistake(line: key.mark?.line ?? line, key: "", problem: "expected a key of text")
                }
                members.append((name.string, key.mark?.line, try Self.converted(value, depth: depth + 1, left: &left)))
            }
            return Value(.mapping(members), line: line)
        case .alias: throw Mistake(line: line, key: "", problem: "expected a value, found an alias of nothing")
        }
    }

    /// Tells text from numbers, booleans and null by the form of a plain scalar; quoted ones are text.
    private static func resolved(_ scalar: Node.Scalar) -> Content {
        let text = scalar.string
        guard scalar.style == .plain else { return .text(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .nothing
        case "true", "True", "TRUE", "false", "False", "FALSE": return .plain(text)
        default:
            let beginsAsNumber = text.utf8.first.map { (0x30...0x39).contains($0) || "+-.".utf8.contains($0) } ?? false
            return beginsAsNumber && Double(text) != nil || text.hasPrefix("0o") ? .plain(text) : .text(text)
        }
    }

    /// Counts what may be an alias: a star where a value can begin, followed by a name. It may count too many, never too few.
    private static func countAliases(in yaml: String) -> Int {
        var count = 0
        var before = UInt8(ascii: "\n")
        var isAfterStar = false
        for byte in yaml.utf8 {
            let isName = byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte)
            if isAfterStar, isName || (0x61...0x7A).contains(byte | 0x20) { count += 1 }
            // Below the space are the line breaks; from 0x80 on may be part of a Unicode line break or a byte order mark.
            let begins = before <= 0x20 || before >= 0x80 || "[{,:?-".utf8.contains(before)
            isAfterStar = byte == UInt8(ascii: "*") && begins
            before = byte
        }
        return count
    }
}

extension Mistake {
    /// Translates what the parser says. Of the text around the place it says nothing: that may be a hash.
    fileprivate init(_ error: YamlError, in yaml: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            self.init(line: mark.line, key: "", problem: "not YAML: \(problem)")
        case .composer(let context, let problem, let mark, _):
            self.init(
                line: mark.line, key: "",
                problem: context == nil ? "not YAML: \(problem)" : "expected one document, found another")
        case .duplicatedKeysInMapping(let duplicates, let context):
            self.init(line: context.mark.line, key: "", problem: "the key \((duplicates.first ?? "").quoted) twice")
        default: self.init(line: 1, key: "", problem: "not YAML")
        }
    }
}
