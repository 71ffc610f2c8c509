internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Whom a server lets in by certificate, and as whom.
    @Suite struct TLSClientCertificateTests {
        enum Client: String, Sendable {
            case without, good, ofAnother, expired, selfSigned, forServers
        }

        struct Case: Sendable, CustomTestStringConvertible {
            var auth: String
            var client: Client
            var isServed: Bool

            var testDescription: String { "\(self.auth): \(self.client)" }
        }

        static let cases = [
            Case(auth: "required", client: .good, isServed: true), Case(auth: "required", client: .without, isServed: false),
            Case(auth: "required", client: .ofAnother, isServed: false),
            Case(auth: "required", client: .expired, isServed: false),
            Case(auth: "required", client: .selfSigned, isServed: false),
            Case(auth: "required", client: .forServers, isServed: false),
            Case(auth: "optional", client: .good, isServed: true), Case(auth: "optional", client: .without, isServed: true),
            Case(auth: "optional", client: .ofAnother, isServed: false),
            Case(auth: "optional", client: .expired, isServed: false),
            Case(auth: "none", client: .ofAnother, isServed: true),
        ]

        @Test(arguments: cases) func `a client is let in by its certificate`(_ one: Case) async throws {
            try await withTLSServer(settings: ["client_auth": one.auth]) { server, site, _ in
                let arguments = try Self.arguments(one.client, site)
                for version in ["--http1.1", "--http2"] {
                    for tls in ["1.2", "1.3"] {
                        let (exit, output) = try await site.curl("/healthz", arguments + [version, "--tls-max", tls])
                        #expect((exit == .status(0)) == one.isServed, "\(output)")
                        #expect(output.hasPrefix("ok\n") == one.isServed)
                    }
                }
                #expect(try await server.get("/healthz").status == 200)
            } authority: { site in
                one.auth == "none" ? [:] : ["client_ca": site.authorityFile]
            }
        }

        @Test func `authorizers and the audit record learn the verified certificate, also when a session is resumed`()
            async throws
        {
            try await Self.withAuthorizer { server, site in
                let files = try site.authority.issue("agent,one", .client).write(to: site.directory, as: "client")
                for version in ["--http1.1", "--http2"] {
                    let arguments = ["--cert", files.certificate, "--key", files.key, version]
                    #expect(try await site.curl("/v1/range/?limit=1", arguments).exit == .status(0))
                    #expect(try await site.curl("/v1/range/?limit=1", [version]).exit == .status(0))
                }
                let session = "\(site.directory)/session"
                for (option, file) in [("-sess_out", session), ("-sess_in", session)] {
                    let arguments = ["-cert", files.certificate, "-key", files.key, "-tls1_2", option, file]
                    let status = try await site.connect(arguments) { try $0.exchange(HTTPRequest("/v1/range/?limit=1")).status }
                    #expect(status == 200)
                }
                #expect(try await server.get("/v1/range/?limit=1").status == 200)
                let records = server.log.split(separator: "\n").filter { $0.contains(#""event":"authorization""#) }
                let names = records.map { $0.contains(#""certificate":"CN=agent\\,one,O=Tests""#) }
                #expect(names == [true, false, true, false, true, true, false])
                #expect(records.last?.contains("\"uid\":\(geteuid()),\"gid\":\(getegid()),\"pid\":\(getpid())") == true)
            }
        }

        @Test func `a certificate lets its principal in`() async throws {
            try await withTLSServer(
                settings: ["client_auth": "optional"], more: ["authorizers: [token]"],
                morePlugins: [
                    "  - name: token", "    library: libloghost-auth-token.so",
                    "    config: {principals: [{name: node, certificate: \"subject:CN=agent,O=Tests\"}]}",
                ]
            ) { server, site, _ in
                for (client, status) in [(Client.good, "200"), (.without, "401")] {
                    let (_, output) = try await site.curl("/v1/range/?limit=1", Self.arguments(client, site))
                    #expect(output.hasSuffix(" \(status)"), "\(client)")
                }
                let other = try site.authority.issue("other", .client).write(to: site.directory, as: "other")
                let (_, output) = try await site.curl("/v1/range/?limit=1", ["--cert", other.certificate, "--key", other.key])
                #expect(output.hasSuffix(" 401"))
                #expect(server.log.contains(#""principal":"node""#))
            } authority: {
                ["client_ca": $0.authorityFile]
            }
        }

        private static func arguments(_ client: Client, _ site: TLSSite) throws -> [String] {
            let certificate: TestCertificate
            switch client {
            case .without: return []
            case .good: certificate = try site.authority.issue("agent", .client)
            case .ofAnother: certificate = try TestAuthority("Authority").issue("agent", .client)
            case .expired: certificate = try site.authority.issue("agent", .client, until: -3600)
            case .selfSigned: certificate = try site.authority.issue("agent", .client, isSelfSigned: true)
            case .forServers: certificate = try site.authority.issue("agent", .server)
            }
            let files = try certificate.write(to: site.directory, as: "client")
            return ["--cert", files.certificate, "--key", files.key]
        }

        private static func withAuthorizer(_ body: (LogHostProcess, TLSSite) async throws -> Void) async throws {
            try await withTemporaryDirectory { directory in
                let repository = String(#filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })
                let library = "\(directory)/libscripted.so"
                let (exit, output) = try await run([
                    "cc", "-std=gnu99", "-fvisibility=hidden", "-shared", "-fPIC", "-pthread",
                    "-I\(repository)/Sources/PluginABI",
                    "-o", library, "\(repository)/Tests/Plugins/scripted-authorizer.c",
                ])
                try #require(exit == .status(0), "\(output)")
                unsafe chmod(library, 0o755)
                try writeFile("\(directory)/script", Array("allow".utf8))
                try await withTLSServer(
                    settings: ["client_auth": "optional"], more: ["authorizers: [scripted]"],
                    morePlugins: [
                        "  - name: scripted", "    library: \(library)", "    config:", "      file: \(directory)/script",
                    ]
                ) { server, site, _ in
                    try await body(server, site)
                } authority: {
                    ["client_ca": $0.authorityFile]
                }
            }
        }
    }
}
