extension HostRoute {
    /// The route in the words of OpenAPI.
    func operation(isProtected: Bool) -> [(String, JSONText.Value)] {
        var statuses: [(String, JSONText.Value)] = [("200", self.success("As it should be."))]
        if isProtected, !self.isOpen { statuses += [("401", .problem), ("403", .problem)] }
        if self == .readyz { statuses.append(("503", self.success("Something is not ready."))) }
        var operation: [(String, JSONText.Value)] = [
            ("operationId", .text("host-\(self)")), ("summary", .text(self.summary)), ("tags", .list(["host"])),
            ("responses", .object(statuses + [("default", .problem)])),
        ]
        if isProtected, self.isOpen { operation.append(("security", .array([]))) }
        return operation
    }

    private func success(_ description: String) -> JSONText.Value {
        let (type, schema) =
            switch self {
            case .healthz, .metrics: ("text/plain", "string")
            case .readyz, .plugins, .openapi: ("application/json", "object")
            }
        let content = JSONText.Value.object([("schema", .object([("type", .text(schema))]))])
        return .object([("description", .text(description)), ("content", .object([(type, content)]))])
    }

    private var summary: String {
        switch self {
        case .healthz: "Answers as long as the host does."
        case .readyz: "Whether the plugins can do their work."
        case .metrics: "Numbers for Prometheus."
        case .plugins: "What is loaded, and how it fares."
        case .openapi: "This description."
        }
    }
}
