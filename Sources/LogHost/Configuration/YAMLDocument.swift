import Yams

/// Parses a configuration file into nodes, within bounds that hold before anything else looks at them.
enum YAMLDocument {
    /// Bounds the text, and also the text of all scalars with every alias written out.
    static let maximumBytes = 1 << 20
    /// Bounds aliases before the parser meets them: it compares keys, and one made of nested aliases would take for ever.
    static let maximumAliases = 32
    /// Bounds the lists and mappings around a value.
    static let maximumDepth = 32
    /// Bounds the values and keys, with every alias written out.
    static let maximumNodes = 10_000

    /// Returns the root of the only document, or nil when there is none. Throws the first mistake.
    static func root(of yaml: String, file: String) throws(ConfigurationError) -> Node? {
        func tooMuch(_ expected: String, _ found: String) -> ConfigurationError {
            ConfigurationError(file: file, line: 1, key: "", reason: .mismatch(expected: expected, found: found))
        }
        guard !yaml.isEmpty else { return nil }
        guard yaml.utf8.count <= Self.maximumBytes else {
            throw tooMuch("a file of at most 1 MiB", "\(yaml.utf8.count) bytes")
        }
        let aliases = Self.countAliases(in: yaml)
        guard aliases <= Self.maximumAliases else {
            throw tooMuch("at most \(Self.maximumAliases) aliases (*name)", "\(aliases)")
        }
        guard let root = try Self.compose(yaml, file: file) else { return nil }
        var bounds = Bounds(file: file)
        try bounds.visit(root, depth: 1)
        return root
    }

    /// Counts what may be an alias: a star where a value can begin, followed by a name. It may count too many, never too few.
    private static func countAliases(in yaml: String) -> Int {
        var count = 0
        var previous = UInt8(ascii: "\n")
        var afterStar = false
        for byte in yaml.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"):
                count += afterStar ? 1 : 0
            default: break
            }
            // Below the space are the line breaks; from 0x80 on may be part of a Unicode line break or a byte order mark.
            let begins = previous <= 0x20 || previous >= 0x80 || "[{,:?-".utf8.contains(previous)
            afterStar = byte == UInt8(ascii: "*") && begins
            previous = byte
        }
        return count
    }

    private static func compose(_ yaml: String, file: String) throws(ConfigurationError) -> Node? {
        do {
            // No rules, so no regular expressions: YAMLScalar has the types. Without an encoding the environment would decide.
            return try Yams.compose(yaml: yaml, .basic, .default, .utf8)
        } catch {
            throw ConfigurationError(error as? YamlError ?? .no, in: yaml, file: file)
        }
    }

    /// What is left to visit, in a walk over the nodes that writes every alias out.
    private struct Bounds {
        let file: String
        var nodes = 0
        var bytes = 0

        mutating func visit(_ node: Node, depth: Int) throws(ConfigurationError) {
            self.nodes += 1
            switch node {
            case .scalar(let scalar): self.bytes += scalar.string.utf8.count
            case .sequence, .mapping:
                guard depth <= YAMLDocument.maximumDepth else {
                    throw self.tooMuch("at most \(YAMLDocument.maximumDepth) levels of nesting", node)
                }
            case .alias: break
            }
            guard self.nodes <= YAMLDocument.maximumNodes else {
                throw self.tooMuch("at most \(YAMLDocument.maximumNodes) values with all aliases written out", node)
            }
            guard self.bytes <= YAMLDocument.maximumBytes else {
                throw self.tooMuch("at most 1 MiB with all aliases written out", node)
            }
            if case .sequence(let items) = node {
                for item in items { try self.visit(item, depth: depth + 1) }
            } else if case .mapping(let pairs) = node {
                for (key, value) in pairs {
                    try self.visit(key, depth: depth + 1)
                    try self.visit(value, depth: depth + 1)
                }
            }
        }

        private func tooMuch(_ expected: String, _ node: Node) -> ConfigurationError {
            ConfigurationError(
                file: self.file, line: node.mark?.line ?? 1, column: node.mark?.column, key: "",
                reason: .mismatch(expected: expected, found: "more"))
        }
    }
}
