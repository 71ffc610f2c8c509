internal import Testing

extension EndToEndTests {
    /// The program, its plugin for an IAM, and an IAM.
    @Suite struct IAMTests {
        private static let rs256 = #"{"typ":"JWT","alg":"RS256"}"#

        @Test func `a token opens the logs, from the header or the cookie`() async throws {
            try await withIAM { site, _ in
                let token = try await site.key.token()
                for headers in [
                    ["Authorization": "token=\(token)"], ["Authorization": "Bearer \(token)"],
                    ["Authorization": "bEARER \(token)"], ["Cookie": "a=b; dcos-acs-auth-cookie=\(token)"],
                    ["Authorization": "token=\(token)", "Cookie": "dcos-acs-auth-cookie=wrong"],
                ] {
                    let answer = try await site.get(headers: headers)
                    #expect(answer.status == 200)
                    #expect(answer.text.contains("line 5"))
                    #expect(answer.head["WWW-Authenticate"] == nil)
                }
                #expect(try await site.get("/system/v1/logs/v1/range/?skip_prev=1", token: token).status == 200)
                let record = try #require(try site.audit("alice").first)
                #expect(record["result"]?.string == "allow")
                #expect(record["principal"]?.string == "alice")
                #expect(record["reason"]?.string == "authenticated")
                #expect(record["authorizer"]?.string == "iam")
            }
        }

        @Test(arguments: [("open", "oauthjwt"), ("enterprise", "acsjwt")])
        func `nobody can tell what is wrong with a credential`(mode: String, challenge: String) async throws {
            try await withIAM(mode: mode) { site, _ in
                let good = try await site.key.token()
                let claims = #"{"uid":"alice","exp":4000000000}"#
                let parts = good.split(separator: ".")
                let bad: [(String, String)] = [
                    ("expired", try await site.key.token(lifetime: -1)),
                    ("exp", try await site.key.sign(claims: #"{"uid":"alice"}"#)),
                    ("uid", try await site.key.sign(claims: #"{"exp":4000000000}"#)),
                    ("uid", try await site.key.sign(claims: #"{"uid":"","exp":4000000000}"#)),
                    ("uid", try await site.key.sign(claims: #"{"uid":7,"exp":4000000000}"#)),
                    ("signature", try await IAMKey.second.get().token()),
                    ("algorithm", IAMKey.unsigned(header: #"{"typ":"JWT","alg":"none"}"#, claims: claims)),
                    (
                        "algorithm",
                        try await IAMKey.sign(header: #"{"typ":"JWT","alg":"HS256"}"#, claims: claims, secret: site.key.publicPEM)
                    ),
                    ("signature", try await IAMKey.sign(header: Self.rs256, claims: claims, secret: site.key.publicPEM)),
                    (
                        "algorithm",
                        try await site.key.sign(header: #"{"typ":"JWT","alg":"RS512"}"#, claims: claims, isRS512: true)
                    ),
                    ("malformed", parts[..<2].joined(separator: ".")),
                    ("signature", String(good.dropLast(8))),
                    ("too long", good + String(repeating: "A", count: 8192)),
                    ("algorithm", try await site.key.sign(header: #"{"alg":"none","x":1e300}"#, claims: claims)),
                ]
                let nothing = try await site.get()
                #expect(nothing.status == 401)
                #expect(nothing.head["WWW-Authenticate"] == challenge)
                for (reason, token) in bad {
                    let answer = try await site.get(token: token)
                    #expect(answer.status == 401, "\(reason)")
                    #expect(answer.head["WWW-Authenticate"] == challenge)
                    #expect(answer.body == nothing.body)
                    #expect(answer.head.fields.map(\.name) == nothing.head.fields.map(\.name))
                    #expect(!(try site.audit(#""reason":"\#(reason)""#)).isEmpty, "\(reason)")
                }
                for headers in [
                    ["Authorization": "token=wrong", "Cookie": "dcos-acs-auth-cookie=\(good)"],
                    ["Authorization": "Basic eDp5", "Cookie": "dcos-acs-auth-cookie=\(good)"],
                    ["Cookie": "dcos-acs-auth-cookie=\(good); dcos-acs-auth-cookie=other"],
                ] { #expect(try await site.get(headers: headers).status == 401) }
                for name in ["token", "access_token", "Authorization", "dcos-acs-auth-cookie"] {
                    // Whether it is a parameter at all is for later: first of all nobody is there.
                    #expect(try await site.get("/v1/range/?skip_prev=1&\(name)=\(good)").status == 401)
                }
            }
        }

        @Test(
            arguments: [
                (["dcos:adminrouter:ops:system-logs"], 200, "dcos:adminrouter:ops:system-logs", "permitted"),
                (["dcos:superuser"], 200, "dcos:superuser", "permitted"),
                (["dcos:adminrouter:system:agent"], 403, "dcos:adminrouter:ops:system-logs", "not permitted"),
                ([], 403, "dcos:adminrouter:ops:system-logs", "not permitted"),
            ])
        func `an Enterprise IAM permits by the route's resource or to superusers`(
            resources: [String], status: Int, object: String, reason: String
        ) async throws {
            try await withIAM(mode: "enterprise") { site, _ in
                let encoded = resources.map { $0.replacing(":", with: "%3A") }
                site.iam.change {
                    $0.policy = { encoded.contains(String($0.item("rid") ?? "")) ? IAMServer.allowed : IAMServer.refused }
                }
                let answer = try await site.get(token: try await site.key.token())
                #expect(answer.status == status)
                #expect(answer.head["WWW-Authenticate"] == nil)
                let record = try #require(try site.audit("alice").first)
                #expect(record["object"]?.string == object)
                #expect(record["action"]?.string == "full")
                #expect(record["reason"]?.string == reason)
                let query = try #require(site.iam.requests("policyquery").first)
                #expect(query.uri.hasSuffix("?rid=dcos%3Aadminrouter%3Aops%3Asystem-logs&uid=alice&action=full"))
                #expect(query.authorization == nil)
            }
        }

        @Test func `on an agent either resource permits, and a map may say otherwise`() async throws {
            try await withIAM(mode: "enterprise", settings: ["role: agent"]) { site, _ in
                site.iam.permit("dcos:adminrouter:system:agent")
                let token = try await site.key.token()
                #expect(try await site.get(token: token).status == 200)
            }
            let settings = [#"rids: {"/v1": [one], "/v1/stream": [two], "/system/v1/logs": [three]}"#, "superuser: root"]
            try await withIAM(mode: "enterprise", settings: settings) { site, _ in
                site.iam.permit("one")
                let token = try await site.key.token()
                #expect(try await site.get(token: token).status == 200)
                for path in ["/v1/stream/?limit=1", "/system/v1/logs/v1/range/", "/v2/component"] {
                    #expect(try await site.get(path, token: token).status == 403)
                }
                for path in ["/v1/../v1/stream/", "/v1%2Fstream/", "//v1/range/", "/v1/./range/"] {
                    #expect(try await site.get(path, token: token).status != 200)
                }
            }
        }

        @Test func `answers of the IAM are kept for five seconds at most`() async throws {
            try await withIAM(mode: "enterprise") { site, _ in
                site.iam.permit("dcos:superuser")
                let token = try await site.key.token()
                for _ in 0..<50 { #expect(try await site.get(token: token).status == 200) }
                let count = site.iam.requests("policyquery").count
                #expect((2...6).contains(count))
                site.iam.permit()
                #expect(try await site.get(token: token, until: 403, within: .seconds(7)).status == 403)
            }
        }

        @Test func `a stream ends when its token does`() async throws {
            try await withIAM { site, journal in
                let token = try await site.key.token(lifetime: 2.5)
                let request = HTTPRequest(
                    "/v1/stream/?skip_prev=1", accept: "text/event-stream", headers: ["Authorization": "token=\(token)"])
                let (status, events) = try await site.server.open(request) { head, connection in
                    var events: [ServerSentEvent] = []
                    while let event = try connection.readEvent() {
                        events.append(event)
                        if event.name == "fault" { break }
                    }
                    return (head.status, events)
                }
                #expect(status == 200)
                #expect(events.contains { $0.isEntry })
                let last = try #require(events.last { $0.name != nil })
                #expect(last.name == "fault")
                #expect(last.json?["status"]?.unsigned == 401)
                #expect(try await site.get(token: token).status == 401)
            }
        }
    }
}
