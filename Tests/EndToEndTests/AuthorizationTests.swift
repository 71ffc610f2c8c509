internal import Glibc
internal import Testing

extension EndToEndTests {
    /// What the host does with what authorizers say.
    @Suite struct AuthorizationTests {
        static let targets = [
            "/v1/range/", "/v1/range/download", "/v1/stream/", "/v1/fields/STREAM", "/v2/component", "/v2/component/a.service",
            "/v1/range/framework/f/executor/e/container/c", "/v1/range/framework/f/executor/e/container/c/download",
            "/v1/stream/framework/f/executor/e/container/c", "/system/v1/logs/v2/component",
        ]

        @Test func `every route needs a decision`() async throws {
            try await withAuthorizer { server, authorizer, _ in
                for (says, status) in [
                    ("deny principal=p", 403), ("abstain challenge=Any", 401), ("undecided", 503), ("error", 503),
                ] {
                    try authorizer.say(says)
                    for target in Self.targets {
                        for method in ["GET", "HEAD"] {
                            let answer = try await server.send(HTTPRequest(target, method: method))
                            #expect(answer.status == status, "\(says): \(method) \(target)")
                            #expect(answer.head["WWW-Authenticate"] == (status == 401 ? "Any" : nil))
                        }
                    }
                }
                #expect(authorizer.calls == 8 * Self.targets.count)
            }
        }

        @Test func `health and preflights ask nobody, and a wrong parameter comes second`() async throws {
            try await withAuthorizer { server, authorizer, _ in
                #expect(try await server.get("/healthz").status == 200)
                let preflight = try await server.send(HTTPRequest("/v2/component", method: "OPTIONS"))
                #expect(preflight.status == 204)
                #expect(preflight.head["Access-Control-Allow-Headers"] == "Authorization, Accept, Last-Event-ID")
                #expect(preflight.head["Access-Control-Allow-Origin"] == "*")
                #expect(authorizer.calls == 0)
                #expect(try await server.get("/v2/component?limit=x").status == 401)
                try authorizer.say("allow")
                #expect(try await server.get("/v2/component?limit=x").status == 400)
            }
        }

        @Test(arguments: ["late", "twice"])
        func `a decision may come later, and from another thread`(says: String) async throws {
            try await withAuthorizer { server, authorizer, journal in
                try await journal.write([JournalEntry(1)])
                try authorizer.say("\(says) principal=p")
                for _ in 0..<3 { #expect(try await server.get("/v2/component").status == 200) }
            }
        }

        @Test func `silence is 503 and is taken back, and the host goes on`() async throws {
            try await withAuthorizer {
                $0.limits["authorization"] = "200ms"
            } _: { server, authorizer, _ in
                try authorizer.say("silent")
                let answer = try await server.get("/v2/component")
                #expect(answer.status == 503)
                #expect(answer.head["Retry-After"] == "5")
                #expect(authorizer.cancelled == 1)
                try authorizer.say("allow")
                #expect(try await server.get("/v2/component").status == 204)
            }
        }

        @Test func `a client that goes away takes its question back`() async throws {
            try await withAuthorizer {
                $0.limits["authorization"] = "30s"
            } _: { server, authorizer, _ in
                try authorizer.say("silent")
                try await server.connect { connection in try connection.send(HTTPRequest("/v2/component")) }
                // Stopping does not wait for the authorizer.
            }
        }

        @Test func `the limits of one principal count all connections`() async throws {
            try await withAuthorizer {
                $0.limits["followers_per_principal"] = "1"
            } _: { server, authorizer, journal in
                try await journal.write([JournalEntry(1)])
                try authorizer.say("allow principal=alice")
                try await server.connect { first in
                    try first.send(HTTPRequest("/v2/component?follow=true"))
                    _ = try first.readHead()
                    let second = try HTTPConnection(server.address(.unix))
                    let answer = try second.exchange(HTTPRequest("/v2/component?follow=true"))
                    #expect(answer.status == 429)
                }
                try authorizer.say("allow principal=bob")
                try await server.follow("/v2/component", as: .sse) { reader in try reader.read(to: 1) }
            }
        }

        @Test func `a plugin that is no authorizer, and one that wants no credential, are refused at the start`() async throws {
            let plugins = """
                plugins:
                  - {name: journald, library: libloghost-journald.so%}
                  - {name: encoders, library: libloghost-encoders.so}

                """
            for (option, line, complaint) in [
                ("", "authorizers: [journald]", "authorizers: journald: this plugin is no authorizer"),
                (", credential: true", "", "credential: this plugin does not use credentials"),
            ] {
                try await withTemporaryDirectory { directory in
                    let file = "\(directory)/loghost.yaml"
                    try writeFile(file, Array((plugins.replacing("%", with: option) + line + "\n").utf8))
                    let (exit, output) = try await runLogHost(["serve", "--config", file])
                    #expect(exit == .status(78))
                    #expect(output.contains(complaint))
                }
            }
        }
    }
}
