/// All plugins' routes: matching is pure, and two routes of the same shape are refused when they are added.
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
        /// Leaves by method, of the route that ends here and of the one that takes the rest.
        var leaves: [String: Leaf] = [:]
        var rest: [String: Leaf] = [:]
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
        var takesRest = false
        for segment in template.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard !takesRest else {
                throw Collision(description: "plugin \(owner): route \(template): only the last segment may take the rest")
            }
            guard segment.contains(where: { $0 == "{" || $0 == "}" }) else {
                path.append(String(segment))
                continue
            }
            var name = segment.hasPrefix("{") && segment.hasSuffix("}") ? String(segment.dropFirst().dropLast()) : ""
            if name.hasSuffix("...") {
                takesRest = true
                name.removeLast(3)
            }
            guard isVariableName(name), !names.contains(name) else {
                throw Collision(
                    description:
                        "plugin \(owner): route \(template): {name} must be a whole segment, of a-z, 0-9 and _, and unique")
            }
            names.append(name)
            path.append(nil)
        }
        if takesRest { path.removeLast() }
        let leaf = Leaf(target: target, template: template, owner: owner, names: names)
        if let other = Self.insert(leaf, method, path[...], takesRest, into: &self.root) {
            throw Collision(
                description:
                    "plugin \(owner): route \(method) \(template): plugin \(other.owner) already has \(method) \(other.template)")
        }
        self.templates.append((method, template, owner))
    }

    private static func insert(
        _ leaf: Leaf, _ method: String, _ path: ArraySlice<String?>, _ takesRest: Bool, into node: inout Node
    ) -> Leaf? {
        guard let segment = path.first else {
            let other = takesRest ? node.rest[method] : node.leaves[method]
            if let other { return other }
            if takesRest { node.rest[method] = leaf } else { node.leaves[method] = leaf }
            return nil
        }
        if let segment {
            return self.insert(leaf, method, path.dropFirst(), takesRest, into: &node.literals[segment, default: Node()])
        }
        if node.variable.isEmpty { node.variable.append(Node()) }
        return self.insert(leaf, method, path.dropFirst(), takesRest, into: &node.variable[0])
    }

    /// What a path leads to.
    package enum Answer: Sendable {
        case match(Match)
        /// The path exists, with other methods.
        case otherMethods([String])
        case none
    }

    /// Finds a route: a literal wins over a variable, a variable over the rest. GET also serves HEAD.
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
        if !node.rest.isEmpty, !segment.isEmpty {
            methods.formUnion(node.rest.keys)
            if let leaf = node.rest[method] {
                values.append(path.joined(separator: "/"))
                return leaf
            }
        }
        return nil
    }
}

private func isVariableName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
}
