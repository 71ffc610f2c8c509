/// All plugins' routes: matching is pure, and two routes of the same shape are refused when they are added.
///
/// A search looks at each segment of each template at most once, whatever the path: a node is reached in one way only, and behind
/// `{name...}` stand literals alone, which are compared from the path's end.
package struct RouteTree<Target: Sendable>: Sendable {
    /// A matched route and its variables, decoded.
    package struct Match: Sendable {
        package var target: Target
        package var template: String
        package var variables: [(name: String, value: String)]
    }

    private struct Leaf: Sendable {
        var target: Target
        var template: String
        var owner: String
        var names: [String]
    }

    private struct Node: Sendable {
        var literals: [String: Node] = [:]
        /// `{name}`: one segment, not empty. In an array because a struct cannot hold itself.
        var variable: [Node] = []
        /// Leaves by method, of the route that ends here.
        var leaves: [String: Leaf] = [:]
        /// Of those that take the rest; the longest end first.
        var rests: [Rest] = []
    }

    /// `{name...}` and the literals behind it.
    private struct Rest: Sendable {
        var end: [String]
        var leaves: [String: Leaf] = [:]

        /// What the variable takes of a path: at least one segment, the first of them not empty; nil when it does not end so.
        func taken(of path: ArraySlice<String>) -> String? {
            guard path.count > self.end.count, path.first != "", path.suffix(self.end.count).elementsEqual(self.end) else {
                return nil
            }
            return path.dropLast(self.end.count).joined(separator: "/")
        }
    }

    private var root = Node()
    /// What has been added, in order.
    package private(set) var templates: [(method: String, template: String, owner: String)] = []

    package init() {}

    /// Why a route cannot be added.
    package struct Collision: Error, CustomStringConvertible, Sendable {
        package var description: String
    }

    /// Adds a route; throws when its template is malformed or another route has the same shape.
    package mutating func add(method: String, template: String, owner: String, target: Target) throws(Collision) {
        guard template.hasPrefix("/"), !method.isEmpty else {
            throw Collision(description: "plugin \(owner): route \(template): expected a method and a path that begins with /")
        }
        var names: [String] = []
        var path: [String?] = []
        var end: [String]?
        for segment in template.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard segment.contains(where: { $0 == "{" || $0 == "}" }) else {
                if end == nil { path.append(String(segment)) } else { end?.append(String(segment)) }
                continue
            }
            guard end == nil else {
                throw Collision(
                    description:
                        "plugin \(owner): route \(template): only literal segments may follow the one that takes the rest")
            }
            var name = segment.hasPrefix("{") && segment.hasSuffix("}") ? String(segment.dropFirst().dropLast()) : ""
            if name.hasSuffix("...") {
                end = []
                name.removeLast(3)
            } else {
                path.append(nil)
            }
            guard isVariableName(name), !names.contains(name) else {
                throw Collision(
                    description:
                        "plugin \(owner): route \(template): {name} must be a whole segment, of a-z, 0-9 and _, and unique")
            }
            names.append(name)
        }
        let leaf = Leaf(target: target, template: template, owner: owner, names: names)
        if let other = Self.insert(leaf, method, path[...], end, into: &self.root) {
            throw Collision(
                description:
                    "plugin \(owner): route \(method) \(template): plugin \(other.owner) already has \(method) \(other.template)")
        }
        self.templates.append((method, template, owner))
    }

    private static func insert(
        _ leaf: Leaf, _ method: String, _ path: ArraySlice<String?>, _ end: [String]?, into node: inout Node
    ) -> Leaf? {
        guard let segment = path.first else {
            guard let end else { return self.insert(leaf, method, into: &node.leaves) }
            if let known = node.rests.firstIndex(where: { $0.end == end }) {
                return self.insert(leaf, method, into: &node.rests[known].leaves)
            }
            let place = node.rests.firstIndex { $0.end.count < end.count } ?? node.rests.endIndex
            node.rests.insert(Rest(end: end, leaves: [method: leaf]), at: place)
            return nil
        }
        if let segment {
            return self.insert(leaf, method, path.dropFirst(), end, into: &node.literals[segment, default: Node()])
        }
        if node.variable.isEmpty { node.variable.append(Node()) }
        return self.insert(leaf, method, path.dropFirst(), end, into: &node.variable[0])
    }

    /// Puts a leaf where there is none of its method, and else answers that one.
    private static func insert(_ leaf: Leaf, _ method: String, into leaves: inout [String: Leaf]) -> Leaf? {
        if let other = leaves[method] { return other }
        leaves[method] = leaf
        return nil
    }

    /// What a path leads to.
    package enum Answer: Sendable {
        case match(Match)
        /// The path exists, with other methods.
        case otherMethods([String])
        case none
    }

    /// Finds a route: a literal wins over a variable, a variable over the rest, a longer end behind the rest over a shorter one. GET
    /// also serves HEAD.
    package func find(method: String, path: RequestPath) -> Answer {
        let method = method == "HEAD" ? "GET" : method
        var methods: Set<String> = []
        var values: [String] = []
        if let leaf = Self.find(method, path.segments[...], self.root, &values, &methods) {
            let variables = zip(leaf.names, values).map { (name: $0, value: $1) }
            return .match(Match(target: leaf.target, template: leaf.template, variables: variables))
        }
        return methods.isEmpty ? .none : .otherMethods(methods.sorted())
    }

    private static func find(
        _ method: String, _ path: ArraySlice<String>, _ node: Node, _ values: inout [String], _ methods: inout Set<String>
    ) -> Leaf? {
        guard let segment = path.first else {
            methods.formUnion(node.leaves.keys)
            return node.leaves[method]
        }
        if let literal = node.literals[segment], let leaf = self.find(method, path.dropFirst(), literal, &values, &methods) {
            return leaf
        }
        if let variable = node.variable.first, !segment.isEmpty {
            values.append(segment)
            if let leaf = self.find(method, path.dropFirst(), variable, &values, &methods) { return leaf }
            values.removeLast()
        }
        for rest in node.rests {
            guard let taken = rest.taken(of: path) else { continue }
            methods.formUnion(rest.leaves.keys)
            if let leaf = rest.leaves[method] {
                values.append(taken)
                return leaf
            }
        }
        return nil
    }
}

private func isVariableName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
}
