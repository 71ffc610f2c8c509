internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Files that change while the server runs.
    @Suite struct TLSReloadTests {
        @Test func `a new certificate is for new connections, and a bad one for none`() async throws {
            try await withTLSServer { server, site, journal in
                #expect(try await Self.subject(of: site) == "first")
                async let numbers = site.connect(within: .seconds(55)) { connection in
                    try connection.send(HTTPRequest("/v2/component", accept: "text/event-stream"))
                    _ = try connection.readHead()
                    return try connection.readEvents(entries: 6).filter(\.isEntry).map { $0.json?["fields"]?["N"]?.string }
                }
                try await Task.sleep(for: .milliseconds(300))

                _ = try site.authority.issue("second", .server).write(to: site.directory, as: "server")
                try await Self.wait { try await Self.subject(of: site) == "second" }

                // Another one's key.
                let third = try site.authority.issue("third", .server)
                try writeFile("\(site.directory)/server.pem", Array(third.certificate.utf8))
                try await Self.wait { server.log.contains("key=key") }
                #expect(server.log.contains("expected the key of the certificate"))
                #expect(!server.log.contains("server.pem"), "the log names no path")
                #expect(try await Self.subject(of: site) == "second")

                try writeFile("\(site.directory)/server.pem", Array("no certificate".utf8))
                try await Self.wait { server.log.contains("key=certificate") }
                #expect(try await Self.subject(of: site) == "second")
                let errors = server.log.split(separator: "\n").filter { $0.contains("not good") }
                #expect(errors.count == 2, "each change is said once")

                _ = try third.write(to: site.directory, as: "server")
                try await Self.wait { try await Self.subject(of: site) == "third" }

                try await journal.write([JournalEntry(6)])
                let found = try await numbers
                #expect(found == ["1", "2", "3", "4", "5", "6"], "a connection that was there goes on")
            }
        }

        @Test func `clients of an authority that is trusted no more stay outside, with a session too`() async throws {
            try await withTLSServer(settings: ["client_auth": "required"]) { _, site, _ in
                let old = try site.authority.issue("old", .client).write(to: site.directory, as: "old")
                let other = try TestAuthority("Other")
                let new = try other.issue("new", .client).write(to: site.directory, as: "new")
                let session = "\(site.directory)/session"
                let resumed = ["-cert", old.certificate, "-key", old.key, "-tls1_2"]
                func isServed(_ files: (certificate: String, key: String)) async throws -> Bool {
                    try await site.curl("/healthz", ["--cert", files.certificate, "--key", files.key]).exit == .status(0)
                }
                #expect(try await isServed(old))
                #expect(try await !isServed(new))
                #expect(try await site.handshake(resumed + ["-sess_out", session]).exit == .status(0))
                #expect(try await site.handshake(resumed + ["-sess_in", session]).output.contains("Reused, TLSv1.2"))

                try writeFile("\(site.directory)/clients.pem", Array(other.own.certificate.utf8))
                try await Self.wait { try await isServed(new) }
                #expect(try await !isServed(old))
                #expect(try await site.handshake(resumed + ["-sess_in", session]).exit != .status(0))
            } authority: { site in
                // A file of its own, so that it can change.
                try? writeFile("\(site.directory)/clients.pem", Array(site.authority.own.certificate.utf8))
                return ["client_ca": "\(site.directory)/clients.pem"]
            }
        }

        /// The name in the certificate that a new connection sees.
        private static func subject(of site: TLSSite) async throws -> String? {
            let output = try await site.handshake().output
            let line = output.split(separator: "\n").first { $0.hasPrefix("subject=") }
            return line?.split(separator: " ").last.map(String.init)
        }

        private static func wait(_ isReached: () async throws -> Bool) async throws {
            for _ in 0..<60 {
                if try await isReached() { return }
                try await Task.sleep(for: .milliseconds(250))
            }
            Issue.record("not within 15 seconds")
        }
    }
}
