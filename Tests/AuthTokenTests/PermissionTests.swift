import AuthToken
import PluginKit
import Testing

struct PermissionTests {
    @Test(arguments: [
        ("/v2/component/{name}", "/v2/component/{name}", true), ("/v2/component/{name}", "/v2/component/{unit}", true),
        ("/v2/component/{name}", "/v2/component", false), ("/v2/component/{name}", "/v2/component/x", false),
        ("/v2/component", "/v2/component", true), ("/v2/component", "/v2/component/", true),
        ("/v2/component", "/v2/component/{name}", false), ("/v1/**", "/v1/range/", true), ("/v1/**", "/v1", true),
        ("/v1/**", "/v1/range/framework/{f}/executor/{e}/container/{c}/download", true), ("/v1/**", "/v2/component", false),
        ("/v1/**", "/v10/range", false), ("/v1/*", "/v1/range/", true), ("/v1/*", "/v1/range/download", false),
        ("/v1/*", "/v1/{x}", true), ("/v1/range/", "/v1/range", true), ("/**", "/", true), ("/**", "/a/{b}", true),
        ("/", "/", true), ("/", "/a", false), ("/files/{path...}", "/files/{path...}", true), ("/V1/**", "/v1/range", false),
    ])
    func `a pattern matches templates`(pattern: String, template: String, matches: Bool) throws {
        #expect(try #require(RoutePattern(pattern)).matches(template) == matches)
    }

    @Test(arguments: [
        "", "v1", "/v1//x", "/**/x", "/v*/x", "/{x", "/x}", "/a?b", "/***", "/" + String(repeating: "x", count: 512),
    ])
    func `what is no pattern is refused`(pattern: String) {
        #expect(RoutePattern(pattern) == nil)
    }

    @Test func `a route that is not permitted is denied by name, whatever the path`() throws {
        let yaml = "principals: [{name: alice, sha256: \(Known.one), units: [a.service], routes: [\"/v2/component/{name}\"]}]"
        let authorizer = try authorizer(yaml)
        for prefix in ["", "/system/v1/logs"] {
            let allowed = authorizer.decide(request("Bearer token-one", route: "\(prefix)/v2/component/{name}"))
            #expect(allowed?.verdict == .allow)
            var denied = request("Bearer token-one", route: "\(prefix)/v2/component")
            denied.path = "/v2/component/x"
            let decision = try #require(authorizer.decide(denied))
            #expect(decision.verdict == .deny)
            #expect(decision.principal == "alice")
            #expect(decision.reason == "route")
        }
        #expect(authorizer.decide(request("Bearer token-one", route: "/system/v1/logsx/v2/component/{name}"))?.verdict == .deny)
    }

    @Test func `units are an alternative of trusted fields`() throws {
        let yaml = "principals: [{name: a, sha256: \(Known.one), units: [nginx.service, \"a@b\\\\x2d.socket\"]}]"
        let decision = try #require(try authorizer(yaml).decide(request("Bearer token-one")))
        let clause = [Match("_SYSTEMD_UNIT", "nginx.service"), Match("_SYSTEMD_UNIT", "a@b\\x2d.socket")]
        #expect(decision.filter == Filter(clauses: [clause]))
    }

    @Test func `units and fields are required together`() throws {
        let yaml = """
            principals:
              - name: a
                sha256: \(Known.one)
                units: nginx.service
                filter:
                  _TRANSPORT: [stdout, journal]
                  _UID: "33"
            """
        let decision = try #require(try authorizer(yaml).decide(request("Bearer token-one")))
        let expected = Filter(clauses: [
            [Match("_SYSTEMD_UNIT", "nginx.service")], [Match("_TRANSPORT", "stdout"), Match("_TRANSPORT", "journal")],
            [Match("_UID", "33")],
        ])
        #expect(decision.filter == expected)
    }
}
