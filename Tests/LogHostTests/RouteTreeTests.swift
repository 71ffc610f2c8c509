import LogHost
import Testing

@Suite struct RouteTreeTests {
    private static func tree(_ routes: [(method: String, template: String)]) throws -> RouteTree<String> {
        var tree = RouteTree<String>()
        for route in routes {
            try tree.add(
                method: route.method, template: route.template, owner: "test", target: "\(route.method) \(route.template)")
        }
        return tree
    }

    private static func tree(_ templates: String...) throws -> RouteTree<String> {
        try Self.tree(templates.map { ("GET", $0) })
    }

    /// The target and its variables as text; `405 methods`; or `404`.
    private static func find(_ path: String, method: String = "GET", in tree: RouteTree<String>) throws -> String {
        switch tree.find(method: method, path: try RequestPath(path)) {
        case .match(let match):
            #expect(match.target.hasSuffix(match.template))
            return ([match.target] + match.variables.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
        case .otherMethods(let methods): return "405 " + methods.joined(separator: " ")
        case .none: return "404"
        }
    }

    @Test(
        arguments: [
            ("/", "404"), ("/a", "GET /a"), ("/a/", "404"), ("/A", "404"), ("/%61", "GET /a"), ("//a", "404"), ("/a//b", "404"),
            ("/a/b", "GET /a/b"), ("/a/x", "GET /a/{v} v=x"), ("/a/x/", "404"), ("/a/x/y", "404"), ("/a/{v}", "GET /a/{v} v={v}"),
            ("/t/", "GET /t/"), ("/t", "404"), ("/t//", "404"),
            ("/s/x/", "GET /s/{v}/ v=x"), ("/s/x", "404"), ("/s//", "404"),
            ("/m/1/n/2", "GET /m/{a}/n/{b} a=1 b=2"), ("/m/1/n/", "404"), ("/m//n/2", "404"),
            ("/a/x%2Fy", "GET /a/{v} v=x/y"), ("/a/%20", "GET /a/{v} v= "), ("/a/%C3%A9", "GET /a/{v} v=é"),
            ("/a/+", "GET /a/{v} v=+"),
            ("/system/v1/logs/a/x", "GET /a/{v} v=x"), ("/system/v1/logs/t/", "GET /t/"), ("/system/v1/logs", "404"),
        ])
    func `a path leads to its route`(path: String, expected: String) throws {
        let tree = try Self.tree("/a", "/a/b", "/a/{v}", "/t/", "/s/{v}/", "/m/{a}/n/{b}")
        #expect(try Self.find(path, in: tree) == expected)
    }

    @Test func `the root can be a route`() throws {
        let tree = try Self.tree("/")
        #expect(try Self.find("/", in: tree) == "GET /")
        #expect(try Self.find("//", in: tree) == "404")
        #expect(try Self.find("/a", in: tree) == "404")
        #expect(try Self.find("/", in: RouteTree<String>()) == "404")
    }

    @Test(arguments: [
        ("/a/b/c", "GET /a/b/c"), ("/a/b/d", "GET /a/{x}/d x=b"), ("/a/b/e", "GET /{x}/b/e x=a"), ("/a/z/d", "GET /a/{x}/d x=z"),
        ("/a/z/f", "GET /{x}/{y}/f x=a y=z"), ("/a/b/f", "GET /{x}/{y}/f x=a y=b"), ("/a/b/g", "404"),
        ("/q/b/e", "GET /{x}/b/e x=q"),
        ("/q/b/d", "404"), ("/a/b", "404"), ("/a/b/c/d", "404"),
    ])
    func `a literal that leads nowhere gives way to a variable`(path: String, expected: String) throws {
        let templates = ["/a/b/c", "/a/{x}/d", "/{x}/b/e", "/{x}/{y}/f"]
        for order in [templates, templates.reversed()] {
            #expect(try Self.find(path, in: Self.tree(order.map { ("GET", $0) })) == expected)
        }
    }

    @Test(arguments: [
        ("/a/b/c", "GET /a/b/c"), ("/a/b/d", "GET /a/{x}/d x=b"), ("/a/b/e", "GET /a/{r...} r=b/e"),
        ("/q/b/e", "GET /{x}/b/e x=q"),
        ("/a/b", "GET /a/{r...} r=b"), ("/a/b/c/d", "GET /a/{r...} r=b/c/d"), ("/q/b/g", "GET /{all...} all=q/b/g"),
        ("/q", "GET /{all...} all=q"), ("/a", "GET /{all...} all=a"), ("/a/", "GET /{all...} all=a/"), ("/", "404"),
    ])
    func `the rest comes after a variable, but a literal before it is worth more`(path: String, expected: String) throws {
        let templates = ["/a/b/c", "/a/{x}/d", "/{x}/b/e", "/a/{r...}", "/{all...}"]
        for order in [templates, templates.reversed()] {
            #expect(try Self.find(path, in: Self.tree(order.map { ("GET", $0) })) == expected)
        }
    }

    @Test(arguments: [
        ("/f/1/x", "GET /f/{id}/{path...} id=1 path=x"), ("/f/1/x/y/z", "GET /f/{id}/{path...} id=1 path=x/y/z"),
        ("/f/1/x/", "GET /f/{id}/{path...} id=1 path=x/"), ("/f/1/x//y", "GET /f/{id}/{path...} id=1 path=x//y"),
        ("/f/1/x%2Fy/z", "GET /f/{id}/{path...} id=1 path=x/y/z"), ("/f/1/..", "GET /f/{id}/{path...} id=1 path=.."),
        ("/f/1/", "404"), ("/f/1", "404"), ("/f//x", "404"), ("/f/1//x", "404"), ("/f/1/stat", "GET /f/{id}/stat id=1"),
        ("/f/1/stat/x", "GET /f/{id}/{path...} id=1 path=stat/x"),
    ])
    func `the rest is one or more segments with their slashes`(path: String, expected: String) throws {
        #expect(try Self.find(path, in: Self.tree("/f/{id}/{path...}", "/f/{id}/stat")) == expected)
    }

    @Test(arguments: [
        ("/x/f", "GET /x/{file...} file=f"), ("/x/f/download", "GET /x/{file...}/download file=f"),
        ("/x/a/b/c/download", "GET /x/{file...}/download file=a/b/c"), ("/x/download", "GET /x/{file...} file=download"),
        ("/x/download/download", "GET /x/{file...}/download file=download"),
        ("/x/a/download/b", "GET /x/{file...} file=a/download/b"),
        ("/x/a/as/zip/download", "GET /x/{file...}/as/zip/download file=a"),
        ("/x/as/zip/download", "GET /x/{file...}/download file=as/zip"),
        ("/x/a/as/download", "GET /x/{file...}/download file=a/as"),
        ("/x/a//download", "GET /x/{file...}/download file=a/"), ("/x//download", "404"), ("/x//a/download", "404"),
        ("/x/a/download/", "GET /x/{file...}/ file=a/download"), ("/x/a/", "GET /x/{file...}/ file=a"), ("/x/", "404"),
        ("/x/a%2Fb/download", "GET /x/{file...}/download file=a/b"), ("/x/a%2Fdownload", "GET /x/{file...} file=a/download"),
        ("/x/a/Download", "GET /x/{file...} file=a/Download"),
        // A literal and a variable win, also over a longer end.
        ("/x/own/download", "GET /x/own/download"), ("/x/own/as/zip/download", "GET /x/{file...}/as/zip/download file=own"),
        ("/x/a/raw", "GET /x/{one}/raw one=a"), ("/x/a/b/raw", "GET /x/{file...}/raw file=a/b"),
        ("/y/1/a/b/download", "GET /y/{id}/{file...}/download id=1 file=a/b"), ("/y/1/a", "404"), ("/y/1/download", "404"),
    ])
    func `literals may follow the rest, and the longest end wins`(path: String, expected: String) throws {
        let templates = [
            "/x/{file...}", "/x/{file...}/download", "/x/{file...}/as/zip/download", "/x/{file...}/", "/x/own/download",
            "/x/{one}/raw", "/x/{file...}/raw", "/y/{id}/{file...}/download",
        ]
        for order in [templates, templates.reversed()] {
            #expect(try Self.find(path, in: Self.tree(order.map { ("GET", $0) })) == expected)
        }
    }

    @Test func `a longer end without the method gives way, and its methods are told`() throws {
        let tree = try Self.tree([("GET", "/x/{r...}"), ("PUT", "/x/{r...}/end"), ("POST", "/x/{r...}/the/end")])
        #expect(try Self.find("/x/a/the/end", in: tree) == "GET /x/{r...} r=a/the/end")
        #expect(try Self.find("/x/a/the/end", method: "PUT", in: tree) == "PUT /x/{r...}/end r=a/the")
        #expect(try Self.find("/x/a/the/end", method: "DELETE", in: tree) == "405 GET POST PUT")
        #expect(try Self.find("/x/a/b", method: "PUT", in: tree) == "405 GET")
    }

    @Test func `a path of many segments is looked up in no time`() throws {
        // Each could be a literal, a variable or part of the rest.
        var templates = ["/{rest...}"]
        for depth in 1...12 {
            templates += [String(repeating: "/a", count: depth), String(repeating: "/a", count: depth) + "/{r...}/z"]
            templates += [(1...depth).map { "/{v\($0)}" }.joined() + "/b"]
        }
        let tree = try Self.tree(templates.map { ("GET", $0) })
        let path = try RequestPath(String(repeating: "/a", count: 4_000))
        let duration = try ContinuousClock().measure {
            for _ in 0..<20 {
                guard case .match(let match) = tree.find(method: "GET", path: path) else { throw CancellationError() }
                #expect(match.template == "/{rest...}")
            }
        }
        #expect(duration < .seconds(10))
    }

    @Test func `GET serves HEAD, and other methods are told`() throws {
        let tree = try Self.tree([
            ("GET", "/a"), ("POST", "/a"), ("DELETE", "/{v}"), ("GET", "/p/{r...}"), ("PUT", "/p/x"), ("POST", "/only"),
        ])
        #expect(try Self.find("/a", method: "HEAD", in: tree) == "GET /a")
        #expect(try Self.find("/a", method: "POST", in: tree) == "POST /a")
        #expect(try Self.find("/a", method: "DELETE", in: tree) == "DELETE /{v} v=a")
        #expect(try Self.find("/a", method: "PATCH", in: tree) == "405 DELETE GET POST")
        #expect(try Self.find("/b", method: "GET", in: tree) == "405 DELETE")
        #expect(try Self.find("/b", method: "HEAD", in: tree) == "405 DELETE")
        #expect(try Self.find("/only", method: "HEAD", in: tree) == "405 DELETE POST")
        #expect(try Self.find("/p/x", method: "GET", in: tree) == "GET /p/{r...} r=x")
        #expect(try Self.find("/p/x", method: "DELETE", in: tree) == "405 GET PUT")
        #expect(try Self.find("/p/x/y", method: "DELETE", in: tree) == "405 GET")
        #expect(try Self.find("/a", method: "get", in: tree) == "405 DELETE GET POST")
        #expect(try Self.find("/b/c", method: "PATCH", in: tree) == "404")
    }

    @Test(arguments: [
        ("/a", "/a"), ("/{x}", "/{y}"), ("/a/{x}/b", "/a/{y}/b"), ("/a/{x...}", "/a/{y...}"), ("/a/", "/a/"),
        ("/{x...}", "/{y...}"), ("/a/{x...}/b/c", "/a/{y...}/b/c"), ("/a/{x...}/", "/a/{y...}/"),
    ])
    func `two routes of one shape collide, and both plugins are named`(first: String, second: String) throws {
        var tree = RouteTree<Int>()
        try tree.add(method: "GET", template: first, owner: "one", target: 1)
        try tree.add(method: "POST", template: second, owner: "two", target: 2)
        let collision = #expect(throws: RouteTree<Int>.Collision.self) {
            try tree.add(method: "GET", template: second, owner: "two", target: 2)
        }
        #expect(collision?.description == "plugin two: route GET \(second): plugin one already has GET \(first)")
        #expect(tree.templates.map(\.owner) == ["one", "two"])
        guard case .match(let match) = tree.find(method: "GET", path: try RequestPath(first)) else {
            Issue.record("the first route is gone")
            return
        }
        #expect(match.target == 1)
    }

    @Test(arguments: [
        ("/a", "/a/"), ("/a/{x}", "/a/b"), ("/a/{x}", "/a/{x...}"), ("/a/{x}", "/a/{x}/"), ("/{x}/b", "/a/{y}"),
        ("/{x...}/a", "/{x...}"), ("/{x...}/a", "/{x...}/b"), ("/{x...}/a/b", "/{x...}/b"), ("/{x...}/a", "/{x}/a"),
    ])
    func `routes of different shape do not collide`(first: String, second: String) throws {
        #expect(try Self.tree(first, second).templates.map(\.template) == [first, second])
    }

    @Test(arguments: [
        ("GET", "", "expected a method and a path that begins with /"),
        ("GET", "a", "expected a method and a path that begins with /"),
        ("GET", "{a}", "expected a method and a path that begins with /"),
        ("", "/a", "expected a method and a path that begins with /"),
        ("GET", "/{a...}/{b...}", "only literal segments may follow the one that takes the rest"),
        ("GET", "/{a...}/{b}", "only literal segments may follow the one that takes the rest"),
        ("GET", "/{a...}/b/{c}", "only literal segments may follow the one that takes the rest"),
    ])
    func `a malformed template is refused`(method: String, template: String, expected: String) {
        var tree = RouteTree<Int>()
        let refusal = #expect(throws: RouteTree<Int>.Collision.self) {
            try tree.add(method: method, template: template, owner: "p", target: 1)
        }
        #expect(refusal?.description == "plugin p: route \(template): \(expected)")
        #expect(tree.templates.isEmpty)
    }

    @Test(arguments: ["/{}", "/{...}", "/{a", "/a}", "/x{a}", "/{a}{b}", "/{a}/{a}", "/{{a}}"])
    func `a template whose braces make no variable is refused`(template: String) {
        var tree = RouteTree<Int>()
        #expect(throws: RouteTree<Int>.Collision.self) {
            try tree.add(method: "GET", template: template, owner: "p", target: 1)
        }
    }
}
