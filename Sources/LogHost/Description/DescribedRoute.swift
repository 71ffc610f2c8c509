/// One route of a plugin in the words of OpenAPI.
struct DescribedRoute {
    private let route: RouteDescription
    private let plugin: String
    private let formats: [DescribedFormat]
    private let isProtected: Bool

    init(_ route: RouteDescription, plugin: String, formats: [DescribedFormat], isProtected: Bool) {
        self.route = route
        self.plugin = plugin
        self.formats = formats
        self.isProtected = isProtected
    }

    private var isLog: Bool { self.route.traits.dialect != .none }
    private var isNegotiated: Bool { self.isLog && self.route.encoding.isEmpty }

    /// OpenAPI knows variables of one segment only.
    var path: String { self.route.path.replacing("...}", with: "}") }

    var operation: [(String, JSONText.Value)] {
        [
            ("operationId", .text("\(self.plugin)-\(self.route.id)")), ("summary", .text(self.route.summary)),
            ("tags", .list([self.plugin])), ("parameters", .array((self.variables + self.parameters).map { .object($0) })),
            ("responses", .object(self.responses)),
        ]
    }

    // MARK: Parameters

    private typealias Members = [(String, JSONText.Value)]

    private var variables: [Members] {
        self.route.path.split(separator: "/").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }.map { segment in
            let takesMore = segment.hasSuffix("...}")
            let name = String(segment.dropFirst().dropLast(takesMore ? 4 : 1))
            var members: Members = [
                ("name", .text(name)), ("in", .text("path")), ("required", .bool(true)),
                ("schema", .object(ParameterSchema.segment(takesMore: takesMore))),
            ]
            if takesMore { members.append(("description", .text("One or more segments, with the slashes between them."))) }
            return members
        }
    }

    private var parameters: [Members] {
        guard self.isLog else { return [] }
        let accepts = self.route.traits.accepts
        let always = self.route.traits.follow == .always
        var parameters: [Members] = []
        func add(_ name: String, _ description: String, _ schema: Members, example: JSONText.Value) {
            parameters.append([
                ("name", .text(name)), ("in", .text("query")), ("description", .text(description)), ("schema", .object(schema)),
                ("example", example),
            ])
        }
        let count = ParameterSchema.count
        add(
            "cursor", "Where to begin: BEG, END, or the cursor of an entry.",
            ParameterSchema.cursor(of: self.route.traits.dialect, or: "BEG|END"),
            example: .text("END"))
        if !always { add("limit", "Entries at most; 0 is no limit.", count, example: .number(10)) }
        switch self.route.traits.dialect {
        case .journalV1:
            add("skip_next", "Entries to step over, forward.", count, example: .number(10))
            add("skip_prev", "Entries to step back.", count, example: .number(10))
            if accepts.contains(.reverse), !always {
                add("read_reverse", "Reads from new to old.", ParameterSchema.flag, example: .bool(true))
            }
        case .journalV2, .lines:
            add("skip", "Entries to step over; a negative number steps back.", ParameterSchema.steps, example: .number(10))
        case .none: break
        }
        if self.route.traits.dialect != .lines {
            add(
                "filter", "FIELD:VALUE, once or more; an entry has to match.",
                [("type", .text("array")), ("items", .object(ParameterSchema.filter))], example: .list(["PRIORITY:3"]))
        }
        if accepts.contains(.bounds) {
            add(
                "since", "An RFC 3339 time, @seconds, or a time before now such as -15m.", ParameterSchema.bound,
                example: .text("-15m"))
            add("until", "As since; the end.", ParameterSchema.bound, example: .text("2026-01-01T00:00:00Z"))
        }
        if accepts.contains(.follow) {
            add("follow", "Goes on with news for ever.", ParameterSchema.flag, example: .bool(false))
        }
        if accepts.contains(.postfix) {
            add("postfix", "Becomes part of the file's name.", ParameterSchema.printable, example: .text("monday"))
        }
        if self.isNegotiated {
            if let format = self.formats.first {
                add(
                    "format", "The format, whatever Accept says.", ParameterSchema.words(self.formats.map(\.name)),
                    example: .text(format.name))
            }
        }
        add(
            "values", "Shows repeated fields and bytes as they are.", ParameterSchema.words(["exact"]), example: .text("exact")
        )
        if accepts.contains(.follow) || self.route.traits.follow != .never {
            add(
                "on_slow", "What becomes of a follow that does not keep up.", ParameterSchema.words(["wait", "disconnect"]),
                example: .text("disconnect"))
        }
        add(
            "explain", "Answers with what the request means, and why nothing comes, in place of entries.", ParameterSchema.flag,
            example: .bool(false))
        let resumes = accepts.contains(.lastEventID)
        if resumes || accepts.contains(.follow) {
            // Where it counts only for a follow anything else may come with it.
            let schema = resumes ? ParameterSchema.cursor(of: self.route.traits.dialect, or: "end") : ParameterSchema.text
            parameters.append([
                ("name", .text("Last-Event-ID")), ("in", .text("header")), ("schema", .object(schema)),
                (
                    "description",
                    .text(
                        resumes
                            ? "Goes on behind this entry, in place of cursor and skips."
                            : "With follow=true: goes on behind this entry, in place of cursor and skips.")
                ),
            ])
        }
        return parameters
    }

    // MARK: Answers

    private var responses: Members {
        var responses: Members = [("200", .object(self.success))]
        if self.isLog, self.route.traits.dialect != .lines || self.route.traits.accepts.contains(.lastEventID) {
            responses.append(("204", .object([("description", .text("There is nothing."))])))
        }
        if !self.isLog { responses.append(("303", .object([("description", .text("It is elsewhere."))]))) }
        var problems = ["400"]
        if self.isProtected { problems += ["401", "403"] }
        if !self.isLog { problems += ["404", "409", "502", "504"] }
        if self.isNegotiated { problems.append("406") }
        if self.isLog { problems.append("410") }
        for status in (problems + ["429", "500", "503"]).sorted() { responses.append((status, .problem)) }
        // A source may have statuses of its own.
        return responses + [("default", .problem)]
    }

    private var success: Members {
        var types: [String] = []
        if !self.isLog {
            types = ["*/*"]
        } else if self.route.coding == "gzip" {
            types = ["application/gzip"]
        } else {
            for format in self.formats where self.isNegotiated || format.name == self.route.encoding {
                if self.route.traits.follow == .always || !types.contains(format.mediaType) {
                    types.append(format.mediaType)
                }
            }
        }
        // An explanation, whatever the format.
        if self.isLog, !types.contains("application/json") { types.append("application/json") }
        func schema(_ type: String) -> Members {
            self.isLog && type != "application/json" ? [("schema", .object([("type", .text("string"))]))] : []
        }
        var members: Members = [
            ("description", .text(self.route.summary)),
            ("content", .object(types.map { ($0, .object(schema($0))) })),
        ]
        if self.route.skipHeaders {
            let header = JSONText.Value.object([("schema", .object([("type", .text("integer"))]))])
            members.append(("headers", .object([("X-Journal-Skip-Next", header), ("X-Journal-Skip-Prev", header)])))
        }
        return members
    }
}

extension DescribedFormat {
    /// The content type without its parameters.
    var mediaType: String { String(self.contentType.prefix { $0 != ";" }) }
}
