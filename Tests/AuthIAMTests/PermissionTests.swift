import AuthIAM
import PluginKit
import Testing

/// What an Enterprise IAM permits.
struct PermissionTests {
    static let logs = "dcos:adminrouter:ops:system-logs"
    static let agent = "dcos:adminrouter:system:agent"
    static let superuser = "dcos:superuser"
    static let exp = TestIAM.now + 86_400

    static let routes: [(route: String, master: [String], onAgent: [String])] = [
        ("/v1/range/", [logs, superuser], [agent, logs, superuser]),
        ("/", [logs, superuser], [agent, logs, superuser]),
        ("/system/v1/logs/v2/component", [logs, superuser], [agent, logs, superuser]),
        ("/system/v1/agent/{agent_id}/logs/v1/range/", [agent, superuser], [agent, logs, superuser]),
        ("/system/v1/agent/{agent}/logs/{path...}", [agent, superuser], [agent, logs, superuser]),
        ("/system/v1/agent/{agent_id}/logsX", [logs, superuser], [agent, logs, superuser]),
        ("/system/v1/agent/literal/logs/v1", [logs, superuser], [agent, logs, superuser]),
    ]

    @Test(arguments: routes)
    func `a route has its resources`(route: String, master: [String], onAgent: [String]) throws {
        #expect(try configuration(enterprise).resources.resources(for: route) == master)
        for role in ["agent", "agent_public"] {
            let settings = try configuration(#"{"iam":"https://m","mode":"enterprise","role":"\#(role)"}"#)
            #expect(settings.resources.resources(for: route) == onAgent)
        }
    }

    @Test func `the longest prefix counts, and superuser always`() throws {
        let map = try configuration(
            #"""
            {"iam":"https://m","mode":"enterprise","superuser":"root",
             "rids":{"/v1":["one"],"/v1/range/":["two","root","three"],"/v2/{x}/y":["four"],"/v1/fields":[]}}
            """#
        ).resources
        #expect(map.resources(for: "/v1/stream/") == ["one", "root"])
        #expect(map.resources(for: "/v1/range/download") == ["two", "three", "root"])
        #expect(map.resources(for: "/v1/ranges") == ["one", "root"])
        #expect(map.resources(for: "/v1/fields/{field}") == ["root"])
        #expect(map.resources(for: "/v2/{other}/y/z") == ["four", "root"])
        #expect(map.resources(for: "/v2/x/y") == ["root"])
        #expect(map.resources(for: "/v3") == ["root"])
        #expect(map.resources(for: "") == ["root"])
    }

    @Test func `the path a client spelled does not choose the resources`() async throws {
        let (iam, key) = try Self.iam([Self.agent: TestIAM.allowed])
        try await iam.withPlugin(enterprise) { authorizer in
            let token = try await key.token(exp: Self.exp)
            for path in [
                "/system/v1/agent/x/logs/../../../../v1/range/", "/system/v1/agent/x/logs%2Fv1", "//system/v1/agent/x/logs/",
            ] {
                var request = request([("authorization", "token=\(token)")], route: "/v1/range/")
                request.path = path
                #expect(try await authorizer.answer(request).verdict == .deny)
            }
        }
    }

    static let verdicts: [([String: TestIAM.Answer], Decision.Verdict, String, String)] = [
        ([logs: TestIAM.allowed], .allow, logs, "permitted"),
        ([superuser: TestIAM.allowed], .allow, superuser, "permitted"),
        ([logs: TestIAM.allowed, superuser: TestIAM.allowed], .allow, logs, "permitted"),
        ([:], .deny, logs, "not permitted"),
        ([agent: TestIAM.allowed], .deny, logs, "not permitted"),
        ([logs: .status(500, "")], .cannotDecide, logs, "status 500"),
        ([superuser: .status(503, "")], .cannotDecide, superuser, "status 503"),
        ([logs: .status(500, ""), superuser: TestIAM.allowed], .allow, superuser, "permitted"),
        ([logs: .failure(.upstream), superuser: TestIAM.allowed], .allow, superuser, "permitted"),
        ([logs: .failure(.timeout)], .cannotDecide, logs, "timeout"),
        ([logs: .failure(.upstream)], .cannotDecide, logs, "unreachable"),
        ([logs: .failure(.limit)], .cannotDecide, logs, "too large"),
        ([logs: .status(404, "")], .cannotDecide, logs, "open IAM"),
        ([logs: .status(404, "not found")], .cannotDecide, logs, "status 404"),
        ([logs: .status(201, #"{"allowed": true}"#)], .cannotDecide, logs, "status 201"),
        ([logs: .status(302, #"{"allowed": true}"#)], .cannotDecide, logs, "status 302"),
        ([logs: .status(401, #"{"allowed": true}"#)], .cannotDecide, logs, "status 401"),
        ([logs: .status(200, "")], .cannotDecide, logs, "garbage"),
        ([logs: .status(200, "true")], .cannotDecide, logs, "garbage"),
        ([logs: .status(200, #"{"allowed": "true"}"#)], .cannotDecide, logs, "garbage"),
        ([logs: .status(200, #"{"allowed": 1}"#)], .cannotDecide, logs, "garbage"),
        ([logs: .status(200, #"{"allowed": null}"#)], .cannotDecide, logs, "garbage"),
        ([logs: .status(200, #"{"Allowed": true}"#)], .cannotDecide, logs, "garbage"),
        ([logs: .status(200, #"[{"allowed": true}]"#)], .cannotDecide, logs, "garbage"),
        ([logs: .status(200, #"{"allowed": true"#)], .cannotDecide, logs, "garbage"),
    ]

    @Test(arguments: verdicts)
    func `any one resource permits, and only a clear word does`(
        answers: [String: TestIAM.Answer], verdict: Decision.Verdict, object: String, reason: String
    ) async throws {
        let (iam, key) = try Self.iam(answers)
        try await iam.withPlugin(enterprise) { authorizer in
            let token = try await key.token(exp: Self.exp)
            // The second answer is of the cache and the same.
            for isCached in [false, true] {
                let request = request([("authorization", "token=\(token)")])
                #expect((authorizer.decide(request) != nil) == (isCached && reason != "timeout"))
                let decision = try await authorizer.answer(request)
                #expect(decision.verdict == verdict)
                #expect(decision.reason == reason)
                #expect(decision.object == object)
                #expect(decision.action == "full")
                #expect(decision.principal == "alice")
                #expect(decision.challenge.isEmpty)
                #expect(decision.credential == (verdict == .allow ? token : ""))
            }
        }
    }

    @Test func `an IAM without permissions is loud, and not at every request`() async throws {
        let (iam, key) = try Self.iam([Self.logs: .status(404, ""), Self.superuser: .status(404, "")])
        try await iam.withPlugin(enterprise) { (authorizer) async throws in
            for second in 0..<120 {
                #expect(try await authorizer.answer(token: key.token("u\(second)", exp: Self.exp)).verdict == .cannotDecide)
                iam.advance(1)
            }
        }
        #expect(iam.log.count == 2)
        #expect(iam.log.allSatisfy { $0.hasPrefix("error ") && $0.contains("mode: enterprise") })
    }

    @Test func `a question is encoded once`() async throws {
        let (iam, key) = try Self.iam([:])
        try await iam.withPlugin(enterprise) { authorizer in
            _ = try await authorizer.answer(token: key.token("a&b=c%41@x y+é", exp: Self.exp))
        }
        let url = iam.requests.first { $0.url.contains("policyquery") }?.url
        #expect(
            url == "http://127.0.0.1:8101/acs/api/v1/internal/policyquery"
                + "?rid=dcos%3Aadminrouter%3Aops%3Asystem-logs&uid=a%26b%3Dc%2541%40x%20y%2B%C3%A9&action=full")
    }

    @Test func `an answer counts for five seconds, a failure for one`() async throws {
        let (iam, key) = try Self.iam([Self.logs: TestIAM.allowed])
        try await iam.withPlugin(enterprise) { authorizer in
            let token = try await key.token(exp: Self.exp)
            #expect(try await authorizer.answer(token: token).verdict == .allow)
            iam.change { $0.permissions = [:] }
            iam.advance(4.999)
            #expect(try await authorizer.answer(token: token).verdict == .allow)
            #expect(iam.count("policyquery") == 1)
            iam.advance(0.001)
            #expect(try await authorizer.answer(token: token).verdict == .deny)
            #expect(iam.count("policyquery") == 3)
            iam.advance(4.999)
            #expect(try await authorizer.answer(token: token).verdict == .deny)
            #expect(iam.count("policyquery") == 3)
            iam.advance(0.001)
            iam.change { $0.permissions[Self.logs] = .failure(.upstream) }
            #expect(try await authorizer.answer(token: token).verdict == .cannotDecide)
            iam.change { $0.permissions[Self.logs] = TestIAM.allowed }
            iam.advance(0.999)
            #expect(try await authorizer.answer(token: token).verdict == .cannotDecide)
            #expect(iam.count("policyquery") == 5)
            iam.advance(0.001)
            #expect(try await authorizer.answer(token: token).verdict == .allow)
        }
    }

    @Test func `a question is asked once, whoever waits and whoever goes away`() async throws {
        let (iam, key) = try Self.iam([Self.logs: TestIAM.allowed])
        try await iam.withPlugin(enterprise) { authorizer in
            let token = try await key.token(exp: Self.exp)
            // The keys are there.
            #expect(try await authorizer.answer(token: key.token("bob", exp: Self.exp)).verdict == .allow)
            iam.change { $0.isHolding = true }
            let impatient = Task { try await authorizer.answer(token: token).verdict }
            #expect(try await eventually { iam.count("uid=alice") == 1 })
            let others = (0..<20).map { _ in Task { try await authorizer.answer(token: token).verdict } }
            impatient.cancel()
            try await Task.sleep(for: .milliseconds(20))
            iam.change { $0.isHolding = false }
            for other in others { #expect(try await other.value == .allow) }
            #expect(iam.count("uid=alice") == 1)
        }
    }

    @Test func `users and resources do not answer for each other`() async throws {
        let (iam, key) = try Self.iam([Self.agent: TestIAM.allowed])
        try await iam.withPlugin(enterprise) { authorizer in
            let token = try await key.token(exp: Self.exp)
            let route = "/system/v1/agent/{agent_id}/logs/v1/range/"
            #expect(try await authorizer.answer(token: token, route: route).verdict == .allow)
            #expect(try await authorizer.answer(token: token).verdict == .deny)
            iam.change { $0.permissions = [:] }
            #expect(try await authorizer.answer(token: key.token("bob", exp: Self.exp), route: route).verdict == .deny)
            #expect(try await authorizer.answer(token: token, route: route).verdict == .allow)
        }
    }

    static func iam(_ answers: [String: TestIAM.Answer]) throws -> (TestIAM, TestKey) {
        let key = try TestKey.first.get()
        let iam = try TestIAM(keys: [key])
        iam.change { $0.permissions = answers }
        return (iam, key)
    }
}
