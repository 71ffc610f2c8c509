import Testing

extension EndToEndTests {
    /// What the host says of itself.
    @Suite struct MonitoringTests {
        private static let root = String(#filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })

        /// Lends a server that is watched over a unix socket of its own.
        private static func withWatched(
            _ configure: (inout LogHostConfiguration) -> Void = { _ in },
            _ body: (LogHostProcess, _ watch: ServerAddress, TestJournal) async throws -> Void
        ) async throws {
            try await withTemporaryDirectory { directory in
                try await withJournal { journal in
                    var configuration = LogHostConfiguration(directory: journal.directory)
                    configure(&configuration)
                    configuration.more += ["monitoring:", "  listen: [\"unix:\(directory)/watch\"]"]
                    try await withLogHost(configuration) { try await body($0, .unix(path: "\(directory)/watch"), journal) }
                }
            }
        }

        private static func get(_ target: String, _ address: ServerAddress) async throws -> HTTPAnswer {
            try await blocking { try HTTPConnection(address, within: .seconds(20)).exchange(HTTPRequest(target)) }
        }

        private static func check(_ kind: String, _ text: String, _ more: [String] = []) async throws {
            try await withTemporaryDirectory { directory in
                try writeFile("\(directory)/text", Array(text.utf8))
                let check = "\(Self.root)/Tests/Monitoring/check.py"
                let (exit, output) = try await run(["python3", "-B", check, kind, "\(directory)/text"] + more)
                #expect(exit == .status(0) && output == "ok\n", "\(output)")
            }
        }

        @Test func `what is asked for is counted by route, status and format`() async throws {
            try await Self.withWatched { server, watch, journal in
                try await journal.write((1...5).map { JournalEntry($0) })
                let bytes = try await server.get("/v2/component/x.service?filter=N:none").body.count
                #expect(bytes == 0)
                let all = try await server.get("/v1/range/", accept: "application/json").body.count
                _ = try await server.get("/v1/range/?limit=x")
                _ = try await server.get("/secret/path")
                let answer = try await Self.get("/metrics", watch)
                #expect(answer.head["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
                for line in [
                    #"loghost_http_requests_total{route="/v2/component/{name}",status="204",format="text"} 1"#,
                    #"loghost_http_requests_total{route="/v1/range/",status="200",format="json"} 1"#,
                    #"loghost_http_requests_total{route="/v1/range/",status="400",format="text"} 1"#,
                    #"loghost_http_requests_total{route="(none)",status="404",format=""} 1"#,
                    #"loghost_http_sent_bytes_total{route="/v1/range/",format="json"} \#(all)"#,
                    #"loghost_entries_sent_total{route="/v1/range/",format="json"} 5"#,
                    #"loghost_plugin_ready{plugin="journald"} 1"#, "loghost_http_requests_in_flight 1",
                ] { #expect(answer.text.contains(line + "\n"), "\(line)") }
                // A plugin's own metric is there too.
                #expect(answer.text.contains("loghost_journald_journal_opens_total "))
                #expect(!answer.text.contains("secret"))
                try await Self.check("metrics", answer.text)
                try await Self.check(
                    "names", answer.text,
                    [
                        "Sources/LogHost/Observability/MetricCatalog.swift", "Examples/grafana/loghost.json",
                        "Examples/prometheus/loghost.rules.yaml",
                    ].map { "\(Self.root)/\($0)" })
            }
        }

        @Test func `entries of a follow are counted as they are sent`() async throws {
            try await Self.withWatched { server, watch, journal in
                try await journal.withWriter { writer in
                    try await writer.write([JournalEntry(1)])
                    _ = try await server.open(HTTPRequest("/v2/component?cursor=BEG", accept: "text/event-stream")) {
                        _, connection in try connection.readEvents(entries: 1)
                    }
                }
                let text = try await Self.get("/metrics", watch).text
                #expect(text.contains(#"loghost_entries_sent_total{route="/v2/component",format="sse"} 1"# + "\n"))
            }
        }

        @Test func `who watches sees health and metrics only, without a credential`() async throws {
            try await withAuthorizer {
                $0.more += ["monitoring:", "  listen: [tcp://127.0.0.1:0]"]
            } _: { server, authorizer, _ in
                try authorizer.say("abstain")
                for target in ["/metrics", "/plugins", "/openapi.json"] { #expect(try await server.get(target).status == 401) }
                try authorizer.say("deny principal=p")
                #expect(try await server.get("/metrics").status == 403)
                try authorizer.say("allow principal=p")
                let metrics = try await server.get("/metrics").text
                for line in [
                    #"loghost_authorizer_decisions_total{authorizer="scripted",verdict="abstain"} 3"#,
                    #"loghost_authorizations_total{result="unauthenticated"} 3"#,
                    #"loghost_authorizations_total{result="deny"} 1"#,
                ] { #expect(metrics.contains(line + "\n"), "\(line)") }
                // Who may see one unit's entries may not see what all do.
                try authorizer.say("allow principal=p filter=_SYSTEMD_UNIT:a.service")
                for target in ["/metrics", "/plugins"] { #expect(try await server.get(target).status == 403) }
            }
            try await Self.withWatched { _, watch, _ in
                for (target, expected) in [
                    ("/metrics", 200), ("/healthz", 200), ("/readyz", 200), ("/v2/component", 404), ("/plugins", 404),
                    ("/openapi.json", 404),
                ] {
                    let status = try await Self.get(target, watch).status
                    #expect(status == expected, "\(target)")
                }
            }
        }

        @Test func `without keys of the IAM the host is alive, and not ready`() async throws {
            try await withIAM(isUp: false) { site, _ in
                let answer = try await site.get("/readyz")
                #expect(answer.status == 503)
                // Strangers are told no more.
                #expect(answer.text == "{\"ready\":false}\n")
                #expect(try await site.get("/healthz").status == 200)
                try await site.iam.start()
                let token = try await site.key.token()
                #expect(try await site.get(token: token, until: 200).status == 200)
                let deadline = ContinuousClock.now + .seconds(10)
                while try await site.get("/readyz").status != 200, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(try await site.get("/readyz").status == 200)
            }
        }

        @Test func `each plugin's state is named`() async throws {
            try await Self.withWatched {
                $0.morePlugins = [
                    "  - name: iam", "    library: libloghost-auth-iam.so",
                    "    config: {iam: \"http://127.0.0.1:1\", mode: open}",
                ]
                $0.more = ["authorizers: [iam]"]
            } _: { _, watch, _ in
                let answer = try await Self.get("/readyz", watch)
                #expect(answer.status == 503)
                let plugins = #"""
                    {"ready":false,"plugins":[{"name":"journald","ready":true,"checks":[{"name":"journal","ready":true,"message":"The journal has no entries yet."}]},\#
                    {"name":"encoders","ready":true,"checks":[]},\#
                    {"name":"iam","ready":false,"checks":[{"name":"keys","ready":false,"message":"The IAM has given no keys yet."}]}]}

                    """#
                #expect(answer.text == plugins)
                let metrics = try await Self.get("/metrics", watch).text
                #expect(metrics.contains(#"loghost_plugin_ready{plugin="iam"} 0"# + "\n"))
            }
        }

        @Test func `what is loaded is listed, and not where it lies`() async throws {
            try await Self.withWatched { server, _, _ in
                let answer = try await server.get("/plugins")
                let list = try #require(try JSONValue(answer.text)["plugins"])
                guard case .array(let plugins) = list else { throw HarnessError("no list") }
                let journald = try #require(plugins.first)
                let directory = try Products.directory
                let (_, sum) = try await run(["sha256sum", "\(directory)/libloghost-journald.so"])
                #expect(journald["sha256"]?.string == sum.split(separator: " ").first.map(String.init))
                #expect(journald["file"]?.string == "libloghost-journald.so")
                #expect(journald["abi"]?.string == "1.0")
                #expect(!answer.text.contains(directory))
            }
        }

        @Test func `the description is valid, and answers are as it says`() async throws {
            try await Self.withWatched { server, _, journal in
                try await journal.write((1...3).map { JournalEntry($0) })
                let text = try await server.get("/openapi.json").text
                try await Self.check("openapi", text)
                let document = try JSONValue(text)
                for (path, target) in [
                    ("/v1/range/", "/v1/range/"), ("/v1/range/", "/v1/range/?limit=x"),
                    ("/v1/range/", "/v1/range/?filter=N:none"),
                    ("/v1/range/download", "/v1/range/download"), ("/v2/component", "/v2/component?format=none"),
                    ("/v2/component/{name}", "/v2/component/a.service"), ("/v1/fields/{field}", "/v1/fields/N"),
                    ("/v2/component", "/v2/component?cursor=x"), ("/healthz", "/healthz"), ("/readyz", "/readyz"),
                    ("/metrics", "/metrics"), ("/plugins", "/plugins"), ("/openapi.json", "/openapi.json"),
                ] {
                    let answer = try await server.get(target)
                    let operation = try #require(document["paths"]?[path]?["get"], "\(path)")
                    let response = try #require(operation["responses"]?["\(answer.status)"], "\(target): \(answer.status)")
                    guard answer.status == 200, let type = answer.head.mediaType else { continue }
                    #expect(response["content"]?[type] != nil || response["content"]?["*/*"] != nil, "\(target): \(type)")
                }
            }
        }
    }
}
