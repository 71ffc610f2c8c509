internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Starts that are refused because of TLS files.
    @Suite struct TLSStartTests {
        struct Case: Sendable, CustomTestStringConvertible {
            var testDescription: String
            /// What is done to the good files, whose directory this gets.
            var spoil: @Sendable (String) throws -> Void
            /// The end of the one line, behind the path of the file.
            var line: String
        }

        static let cases = [
            Case(
                testDescription: "no certificate", spoil: { try removeTree("\($0)/server.pem") },
                line: "certificate: DIR/server.pem: expected a readable file, found: No such file or directory"),
            Case(
                testDescription: "an empty certificate", spoil: { try writeFile("\($0)/server.pem", []) },
                line: "certificate: DIR/server.pem: expected certificates in PEM"),
            Case(
                testDescription: "noise for a certificate",
                spoil: { try writeFile("\($0)/server.pem", Array("-----BEGIN".utf8)) },
                line: "certificate: DIR/server.pem: expected certificates in PEM"),
            Case(
                testDescription: "a directory",
                spoil: {
                    try removeTree("\($0)/server.pem"); unsafe mkdir("\($0)/server.pem", 0o700)
                },
                line: "certificate: DIR/server.pem: expected a regular file"),
            Case(
                testDescription: "no key", spoil: { try removeTree("\($0)/server.key") },
                line: "key: DIR/server.key: expected a readable file, found: No such file or directory"),
            Case(
                testDescription: "a key that everybody can read", spoil: { unsafe chmod("\($0)/server.key", 0o644) },
                line: "key: DIR/server.key: expected a file closed to others, found mode 644"),
            Case(
                testDescription: "noise for a key", spoil: { try writeFile("\($0)/server.key", Array("key".utf8)) },
                line: "key: DIR/server.key: expected a private key in PEM, without a passphrase"),
            Case(
                testDescription: "another one's key",
                spoil: { try writeFile("\($0)/server.key", Array(TestAuthority("Other").own.key.utf8)) },
                line: "key: DIR/server.key: expected the key of the certificate, found another one's"),
            Case(
                testDescription: "no authority", spoil: { try writeFile("\($0)/clients.pem", Array("none".utf8)) },
                line: "client_ca: DIR/clients.pem: expected certificates in PEM"),
        ]

        @Test(arguments: cases) func `a bad file stops the start, and one line names key and file`(_ one: Case) async throws {
            try await withTemporaryDirectory { directory in
                let (exit, output) = try await Self.start(directory, one.spoil)
                #expect(exit == .status(78))
                let lines = output.split(separator: "\n").filter { $0.hasPrefix("loghost: ") }
                #expect(lines == ["loghost: listen[1].tls.\(one.line)"], "\(output)")
            }
        }

        @Test func `a key for a group, and a certificate that has expired, are served`() async throws {
            try await withTLSServer { _, site, _ in
                let (certificate, key) = try site.authority.issue("old", .server, until: -60).write(
                    to: site.directory, as: "server")
                unsafe chmod(key, 0o640)
                var output = ""
                for _ in 0..<60 where !output.contains("certificate has expired") {
                    try await Task.sleep(for: .milliseconds(250))
                    output = try await site.curl("/healthz").output
                }
                #expect(output.contains("certificate has expired"))
                #expect(try await site.curl("/healthz", ["--insecure"]).output.hasPrefix("ok\n"))
                _ = certificate
            }
        }

        private static func start(
            _ directory: String, _ spoil: (String) throws -> Void
        ) async throws -> (exit: ChildProcess.Exit, output: String) {
            let authority = try TestAuthority("Authority")
            _ = try authority.issue("server", .server).write(to: directory, as: "server")
            try writeFile("\(directory)/clients.pem", Array(authority.own.certificate.utf8))
            try spoil(directory)
            let file = "\(directory)/loghost.yaml"
            let yaml = """
                listen:
                  - unix:\(directory)/s.sock
                  - address: tcp://127.0.0.1:0
                    tls:
                      certificate: \(directory)/server.pem
                      key: \(directory)/server.key
                      client_ca: \(directory)/clients.pem
                      client_auth: required
                plugins:
                  - {name: journald, library: libloghost-journald.so}
                  - {name: encoders, library: libloghost-encoders.so}

                """
            try writeFile(file, Array(yaml.utf8))
            let (exit, output) = try await runLogHost(["serve", "--config", file])
            return (exit, output.replacing(directory, with: "DIR"))
        }
    }
}
