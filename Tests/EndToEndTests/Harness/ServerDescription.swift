/// What a server says of its own answers: its `/openapi.json`.
struct ServerDescription {
    private struct Route {
        var segments: [Segment]
        var responses: [String: JSONValue]
        /// Answers of another server are passed on as they are.
        var isForeign: Bool
    }

    private enum Segment: Equatable {
        case literal(Substring)
        case one
        case some
    }

    private let routes: [Route]
    private let problem: JSONValue?

    init(_ document: JSONValue) throws {
        guard case .object(let paths) = document["paths"] else { throw HarnessError("the description has no paths") }
        self.problem = document["components"]?["responses"]?["Problem"]
        self.routes = try paths.map { path, item in
            guard case .object(let responses) = item["get"]?["responses"] else { throw HarnessError("\(path) has no responses") }
            return Route(
                segments: Self.segments(path, item["get"]), responses: responses,
                isForeign: responses["200"]?["content"]?["*/*"] != nil)
        }
    }

    private static func segments(_ path: String, _ operation: JSONValue?) -> [Segment] {
        var long: Set<String> = []
        if case .array(let parameters) = operation?["parameters"] {
            for parameter in parameters where parameter["description"]?.string?.hasPrefix("One or more segments") == true {
                if let name = parameter["name"]?.string { long.insert(name) }
            }
        }
        return path.split(separator: "/", omittingEmptySubsequences: false).map { segment in
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else { return .literal(segment) }
            return long.contains(String(segment.dropFirst().dropLast())) ? .some : .one
        }
    }

    private static func matches(_ path: ArraySlice<Substring>, _ template: ArraySlice<Segment>) -> Bool {
        guard let first = template.first else { return path.isEmpty }
        guard let segment = path.first else { return false }
        switch first {
        case .literal(let text): return segment == text && Self.matches(path.dropFirst(), template.dropFirst())
        case .one: return !segment.isEmpty && Self.matches(path.dropFirst(), template.dropFirst())
        case .some: return (1...path.count).contains { Self.matches(path.dropFirst($0), template.dropFirst()) }
        }
    }

    /// What an answer has that is not described; nil when all is.
    func objection(to head: HTTPHead, body: [UInt8]?, of request: HTTPRequest) -> String? {
        guard ["GET", "HEAD"].contains(request.method), request.target.hasPrefix("/") else { return nil }
        var path = request.target.prefix { $0 != "?" && $0 != "#" }
        if path.hasPrefix("/system/v1/logs/") { path = path.dropFirst("/system/v1/logs".count) }
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        let routes = self.routes.filter { Self.matches(segments[...], $0.segments[...]) }
        if routes.isEmpty { return head.status < 400 ? "there is no such path" : nil }
        // A literal segment wins over a variable, but only the server knows which of several it took.
        let objections = routes.map { self.objection(to: head, body: body, $0) }
        return objections.contains(nil) ? nil : objections[0]
    }

    private func objection(to head: HTTPHead, body: [UInt8]?, _ route: Route) -> String? {
        if route.isForeign, head.status < 400 { return nil }
        guard let response = route.responses["\(head.status)"] ?? (head.status >= 400 ? route.responses["default"] : nil) else {
            return "status \(head.status) is not described"
        }
        let described = response["$ref"] == nil ? response : self.problem
        if let type = head.mediaType, described?["content"]?[type] == nil, !route.isForeign {
            return "\(type) is not described for \(head.status)"
        }
        for name in described?["headers"]?.keys ?? [] where head[name] == nil && head.mediaType != "application/json" {
            return "the header \(name) is missing"
        }
        if let body, head.mediaType == "application/problem+json" {
            let problem = try? JSONValue(String(decoding: body, as: UTF8.self))
            guard problem?["status"] == .unsigned(UInt64(head.status)), problem?["title"]?.string != nil,
                problem?["detail"]?.string != nil
            else { return "the problem lacks what is described" }
        }
        return nil
    }
}
