/// The description of all routes, OpenAPI 3.1: what `/openapi.json` answers.
struct OpenAPI {
    let text: String

    init(plugins: [PluginInstance], encoders: [EncoderHandle], isProtected: Bool) {
        self.init(
            routes: plugins.flatMap { plugin in plugin.routes.map { (plugin.name, $0) } },
            formats: encoders.map {
                DescribedFormat(name: $0.name, contentType: $0.contentType, isEventStream: $0.isEventStream)
            },
            isProtected: isProtected)
    }

    init(routes: [(plugin: String, route: RouteDescription)], formats: [DescribedFormat], isProtected: Bool) {
        var paths: [(String, JSONText.Value)] = []
        for (plugin, route) in routes where route.method == "GET" {
            let described = DescribedRoute(route, plugin: plugin, formats: formats, isProtected: isProtected)
            // Two templates that only this format cannot tell apart: the first describes both.
            guard !paths.contains(where: { $0.0 == described.path }) else { continue }
            paths.append((described.path, .object([("get", .object(described.operation))])))
        }
        paths += HostRoute.allCases.map { ($0.template, .object([("get", .object($0.operation(isProtected: isProtected)))])) }
        var document: [(String, JSONText.Value)] = [
            ("openapi", .text("3.1.0")),
            (
                "info",
                .object([
                    ("title", .text("LogHost")), ("version", .text(LogHostVersion.text)),
                    (
                        "description",
                        .text("The logs of this node. Every GET also answers HEAD. Parameters that are not listed are ignored.")
                    ),
                ])
            ),
            (
                "servers",
                .array([
                    .object([("url", .text("/"))]),
                    .object([
                        ("url", .text(RequestPath.prefix)), ("description", .text("The same, as gateways of DC/OS ask for it.")),
                    ]),
                ])
            ),
            ("paths", .object(paths)), ("components", .object(Self.components(isProtected: isProtected))),
        ]
        if isProtected { document.append(("security", .array([.object([("authorization", .list([]))])]))) }
        self.text = JSONText.object(document) + "\n"
    }

    private static func components(isProtected: Bool) -> [(String, JSONText.Value)] {
        func property(_ type: String) -> JSONText.Value { .object([("type", .text(type))]) }
        let schema: JSONText.Value = .object([
            ("type", .text("object")), ("required", .list(["title", "status", "detail"])),
            (
                "properties",
                .object([
                    ("type", property("string")), ("title", property("string")), ("status", property("integer")),
                    ("detail", property("string")), ("parameter", property("string")),
                    ("oldest_cursor", .object([("type", .list(["string", "null"]))])),
                    ("media_types", .object([("type", .text("array")), ("items", property("string"))])),
                    ("candidates", .object([("type", .text("array")), ("items", property("string"))])),
                ])
            ),
            (
                "examples",
                .array([
                    .object([
                        ("type", .text("about:blank")), ("title", .text("Bad Request")), ("status", .number(400)),
                        ("detail", .text("The parameter skip must be a whole number that fits 64 bits.")),
                        ("parameter", .text("skip")),
                    ])
                ])
            ),
        ])
        let content: JSONText.Value = .object([
            ("text/plain", .object([("schema", property("string"))])),
            (
                "application/problem+json",
                .object([("schema", .object([("$ref", .text("#/components/schemas/Problem"))]))])
            ),
        ])
        var components: [(String, JSONText.Value)] = [
            ("schemas", .object([("Problem", schema)])),
            (
                "responses",
                .object([
                    (
                        "Problem",
                        .object([
                            ("description", .text("What is wrong: a line of text, or JSON (RFC 9457).")), ("content", content),
                        ])
                    )
                ])
            ),
        ]
        if isProtected {
            components.append(
                (
                    "securitySchemes",
                    .object([
                        (
                            "authorization",
                            .object([
                                ("type", .text("apiKey")), ("in", .text("header")), ("name", .text("Authorization")),
                                ("description", .text("What the host's authorizers take, such as `Bearer TOKEN`.")),
                            ])
                        )
                    ])
                ))
        }
        return components
    }
}

/// What a route's description needs of a format.
struct DescribedFormat: Sendable {
    var name: String
    var contentType: String
    var isEventStream: Bool
}

extension JSONText.Value {
    /// An answer that is a problem.
    static let problem = JSONText.Value.object([("$ref", .text("#/components/responses/Problem"))])
}
