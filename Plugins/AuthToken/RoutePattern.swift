/// Which routes a principal may ask for, told by their templates; never by a request's own path.
///
/// Segments between slashes: `*` stands for one, `**` at the end for any number, `{…}` for one that is a variable of the
/// template, anything else for itself. A slash at the end makes no difference.
package struct RoutePattern: Hashable, Sendable {
    private enum Segment: Hashable {
        case any
        case variable
        case literal(String)
    }

    private let segments: [Segment]
    private let takesRest: Bool

    /// Parses a pattern; nil when it is none.
    package init?(_ text: String) {
        guard text.hasPrefix("/"), text.utf8.count <= 512 else { return nil }
        var segments: [Segment] = []
        var parts = Self.split(text)
        self.takesRest = parts.last == "**"
        if self.takesRest { parts.removeLast() }
        for part in parts {
            switch part {
            case "*": segments.append(.any)
            case _ where part.hasPrefix("{") && part.hasSuffix("}"): segments.append(.variable)
            case _ where part.isEmpty || part.contains { "*{}?#".contains($0) }: return nil
            default: segments.append(.literal(String(part)))
            }
        }
        self.segments = segments
    }

    /// Tells whether a route's template, without the gateway's prefix, is one of these.
    package func matches(_ template: String) -> Bool {
        let parts = Self.split(template)
        guard self.takesRest ? parts.count >= self.segments.count : parts.count == self.segments.count else { return false }
        return zip(self.segments, parts).allSatisfy { segment, part in
            switch segment {
            case .any: true
            case .variable: part.hasPrefix("{")
            case .literal(let text): part == text
            }
        }
    }

    private static func split(_ path: String) -> [Substring] {
        var parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if parts.last == "" { parts.removeLast() }
        return parts
    }

    /// Where the host has all routes a second time.
    private static let prefix = "/system/v1/logs"

    /// Returns a request's template without the prefix by which it was reached.
    static func template(of route: String) -> String {
        let rest = route.dropFirst(Self.prefix.count)
        return route.hasPrefix(Self.prefix) && rest.first == "/" ? String(rest) : route
    }
}
