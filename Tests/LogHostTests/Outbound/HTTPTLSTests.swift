import Glibc
import LogHost
import NIOCore
import NIOSSL
import PluginABI
import Testing

@Suite struct HTTPTLSTests {
    @Test func `a server is trusted by the authorities of the file, and by no others`() async throws {
        try await Self.withServer { directory, authority, server in
            try await OutboundPlugin.with { plugin in
                var order = OutboundPlugin.Order("https://localhost:\(server.port)/")
                order.authorities = directory.write("ca.pem", authority.pem)
                let good = try await plugin.answer(order)
                #expect(good.code == LOGHOST_OK && good.text == "trusted")
                order.authorities = directory.write("other.pem", try TestAuthority("other").pem)
                let other = try await plugin.answer(order)
                #expect(other.code == LOGHOST_ERROR_UPSTREAM && other.status == 0)
                order.authorities = ""
                let system = try await plugin.answer(order)
                #expect(system.code == LOGHOST_ERROR_UPSTREAM)
                // The certificate names localhost and no address.
                order.url = "https://127.0.0.1:\(server.port)/"
                order.authorities = directory.path("ca.pem")
                let address = try await plugin.answer(order)
                #expect(address.code == LOGHOST_ERROR_UPSTREAM)
                // Spoken in clear to a TLS port.
                order.url = "http://127.0.0.1:\(server.port)/"
                let clear = try await plugin.answer(order)
                #expect(clear.code == LOGHOST_ERROR_UPSTREAM)
            }
        }
    }

    @Test(arguments: [(-7_200.0, -3_600.0), (3_600.0, 7_200.0)])
    func `a certificate out of its time is refused`(start: Double, end: Double) async throws {
        try await Self.withServer(from: start, to: end) { directory, authority, server in
            try await OutboundPlugin.with { plugin in
                var order = OutboundPlugin.Order("https://localhost:\(server.port)/")
                order.authorities = directory.write("ca.pem", authority.pem)
                let seen = try await plugin.answer(order)
                #expect(seen.code == LOGHOST_ERROR_UPSTREAM)
            }
        }
    }

    @Test func `a changed file of authorities counts from the next request`() async throws {
        try await Self.withServer { directory, authority, server in
            try await OutboundPlugin.with { plugin in
                var order = OutboundPlugin.Order("https://localhost:\(server.port)/")
                order.authorities = directory.write("ca.pem", try TestAuthority("other").pem)
                let before = try await plugin.answer(order)
                #expect(before.code == LOGHOST_ERROR_UPSTREAM)
                directory.write("ca.pem", authority.pem)
                let after = try await plugin.answer(order)
                #expect(after.code == LOGHOST_OK)
                directory.write("ca.pem", "nonsense")
                #expect(plugin.refusal(order)?.code == LOGHOST_ERROR_INVALID)
            }
        }
    }

    @Test func `a server that asks gets the client's certificate, but not another origin`() async throws {
        let asked = Shared(0)
        try await Self.withServer(asksClient: true) { directory, authority, server in
            try await OutboundPlugin.with { plugin in
                let client = try authority.issue("client")
                var order = OutboundPlugin.Order("https://localhost:\(server.port)/")
                order.authorities = directory.write("ca.pem", authority.pem)
                let without = try await plugin.answer(order)
                #expect(without.code == LOGHOST_ERROR_UPSTREAM)
                order.certificate = directory.write("client.pem", client.certificate)
                order.key = directory.write("client.key", client.key)
                let with = try await plugin.answer(order)
                #expect(with.code == LOGHOST_OK && with.text == "trusted")
                // The same server on another port is another origin: it asks, and gets nothing.
                let target = order.url
                try await OutboundServer.with { _, channel in
                    channel.respond("302 Found", ["Location: \(target)"])
                } _: { other in
                    asked.withLock { $0 += 1 }
                    order.url = other.url
                    order.flags = LOGHOST_HTTP_FOLLOW_REDIRECTS
                    let away = try await plugin.answer(order)
                    #expect(away.code == LOGHOST_ERROR_UPSTREAM)
                }
            }
        }
        #expect(asked.withLock { $0 } == 1)
    }

    @Test func `a file that cannot be read is refused at once, and its path is in the detail only`() async throws {
        try await Self.withDirectory { directory in
            try await OutboundPlugin.with { plugin in
                let authority = try TestAuthority("ca")
                let good = directory.write("good.pem", authority.pem)
                let nonsense = directory.write("nonsense.pem", "nonsense")
                let empty = directory.write("empty.pem", "")
                unsafe mkfifo(directory.path("fifo"), 0o600)
                for file in [directory.path("missing.pem"), nonsense, empty, directory.path(""), directory.path("fifo")] {
                    for field in ["ca_file", "client_certificate", "client_key"] {
                        var order = OutboundPlugin.Order("http://127.0.0.1:1/")
                        order.authorities = field == "ca_file" ? file : ""
                        if field != "ca_file" {
                            order.certificate = field == "client_certificate" ? file : good
                            order.key = field == "client_key" ? file : good
                        }
                        let refusal = try #require(plugin.refusal(order))
                        #expect(refusal.code == LOGHOST_ERROR_INVALID && refusal.message.hasPrefix(field))
                        #expect(!refusal.message.contains(directory.path("")) && refusal.detail == file)
                    }
                }
                var half = OutboundPlugin.Order("http://127.0.0.1:1/")
                half.certificate = good
                #expect(plugin.refusal(half)?.code == LOGHOST_ERROR_INVALID)
            }
        }
    }

    private static func withServer(
        from start: Double = -3_600, to end: Double = 3_600, asksClient: Bool = false,
        _ body: (Directory, TestAuthority, OutboundServer) async throws -> Void
    ) async throws {
        let authority = try TestAuthority("ca")
        let issued = try authority.issue("localhost", from: start, to: end)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(issued.certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(issued.key.utf8), format: .pem)))
        if asksClient {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.pem.utf8)))
            tls.certificateVerification = .noHostnameVerification
        }
        try await Self.withDirectory { directory in
            try await OutboundServer.with(tls: tls) { _, channel in
                channel.respond(body: "trusted")
            } _: { server in
                try await body(directory, authority, server)
            }
        }
    }

    struct Directory {
        let root: String

        func path(_ name: String) -> String { "\(self.root)/\(name)" }

        /// Writes a file as operators do: another one in its place.
        @discardableResult
        func write(_ name: String, _ text: String) -> String {
            let path = self.path(name)
            let fresh = path + ".new"
            guard let file = unsafe fopen(fresh, "w") else { return path }
            unsafe fputs(text, file)
            unsafe fclose(file)
            unsafe rename(fresh, path)
            return path
        }
    }

    private static func withDirectory(_ body: (Directory) async throws -> Void) async throws {
        var template = Array("/tmp/loghost-http-XXXXXX".utf8CString)
        let root = try #require(
            unsafe template.withUnsafeMutableBufferPointer { buffer in
                unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) }.map { unsafe String(cString: $0) }
            })
        defer {
            for name in ["ca.pem", "other.pem", "client.pem", "client.key", "good.pem", "nonsense.pem", "empty.pem", "fifo"] {
                unsafe unlink("\(root)/\(name)")
            }
            unsafe rmdir(root)
        }
        try await body(Directory(root: root))
    }
}
