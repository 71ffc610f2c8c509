/// One value of the principals as it was written, in a file (YAML) or in the host's configuration (JSON).
package struct Value: Sendable {
    package indirect enum Content: Sendable {
        case nothing
        case text(String)
        /// A number, `true` or `false`, as it was written.
        case plain(String)
        case list([Value])
        case mapping([(key: String, line: Int?, value: Value)])
    }

    package var content: Content
    /// Counts from 1; nil in JSON.
    package var line: Int?

    package init(_ content: Content, line: Int? = nil) {
        self.content = content
        self.line = line
    }
}

extension Value: Decodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self.init(.nothing)
        } else if let text = try? container.decode(String.self) {
            self.init(.text(text))
        } else if let flag = try? container.decode(Bool.self) {
            self.init(.plain(flag ? "true" : "false"))
        } else if let number = try? container.decode(Int64.self) {
            self.init(.plain(String(number)))
        } else if let number = try? container.decode(Double.self) {
            self.init(.plain(String(number)))
        } else if let items = try? container.decode([Value].self) {
            self.init(.list(items))
        } else {
            let pairs = try container.decode([String: Value].self)
            self.init(.mapping(pairs.sorted { $0.key < $1.key }.map { ($0.key, nil, $0.value) }))
        }
    }
}
