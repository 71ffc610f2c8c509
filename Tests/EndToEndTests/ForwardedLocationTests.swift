import Testing

extension EndToEndTests {
    /// Where any source may have a request forwarded.
    @Suite struct ForwardedLocationTests {
        @Test func `a path is served by this host, once`() async throws {
            try await withForwardingSource { server in
                let own = try await server.get("/forward?/v2/component?limit=1")
                #expect(own.status == 200 && own.text.hasSuffix("line 1\n"))
                for (location, status) in [
                    ("/forward?/v2/component", 508), ("/forward?http://127.0.0.1:1/", 508), ("/nothing", 404),
                    ("//127.0.0.1:1/x", 404), ("/v2/component?skip=x", 400), ("/healthz", 200),
                ] {
                    #expect(try await server.get("/forward?\(location)").status == status, "\(location)")
                }
            }
        }

        @Test func `a follow is served in place of another path`() async throws {
            try await withForwardingSource { server in
                let request = HTTPRequest("/forward?/v2/component", accept: "text/event-stream")
                let events = try await server.open(request) { _, connection in try connection.readEvents(entries: 3) }
                #expect(events.map { $0.json?["fields"]?["N"]?.string } == ["1", "2", "3"])
            }
        }

        @Test(arguments: [
            "", "x", "ftp://127.0.0.1/x", "http://", "http:///x", "http://user@127.0.0.1:1/", "http://127.0.0.1:0/",
            "http://127.0.0.1:99999/", "http+unix://%2Frun%2Fx/y", "http://127.0.0.1%0d%0a:1/",
        ])
        func `a location that is no server's is a fault of the source`(location: String) async throws {
            try await withForwardingSource { server in
                let answer = try await server.get("/forward?\(location)")
                #expect(answer.status == 500)
                #expect(server.log.contains("location: expected a path, or an http or https URL."))
                #expect(try await server.get("/healthz").status == 200)
            }
        }

        @Test func `a server over TLS must have a certificate of the given authority`() async throws {
            try await withTLSServer { _, site, _ in
                let location = "/forward?\(site.url("/v2/component?limit=1"))"
                try await withForwardingSource(authorities: site.authorityFile) { server in
                    let answer = try await server.get(location)
                    #expect(answer.status == 200 && answer.text.hasSuffix("line 1\n"))
                    // The same server by a name that its certificate does not have.
                    #expect(try await server.get("/forward?https://[::ffff:127.0.0.1]:\(site.port)/v2/component").status == 502)
                    #expect(try await server.get("/forward?http://localhost:\(site.port)/v2/component").status == 502)
                }
                let other = "\(site.directory)/other.pem"
                try writeFile(other, Array(try TestAuthority("Other").own.certificate.utf8))
                for authorities in [other, ""] {
                    try await withForwardingSource(authorities: authorities) { server in
                        let answer = try await server.get(location)
                        #expect(answer.status == 502)
                        #expect(!answer.text.contains("localhost") && !answer.text.contains(".pem"))
                    }
                }
                try await withForwardingSource(authorities: "\(site.directory)/missing.pem") { server in
                    let status = try await server.get(location).status
                    #expect(status == 500)
                    #expect(server.log.contains("ca_file: the file cannot be opened"))
                }
            }
        }
    }
}
