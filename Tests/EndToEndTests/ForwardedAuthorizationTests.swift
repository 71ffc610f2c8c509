internal import Glibc
import Testing

extension EndToEndTests {
    /// Who may have requests forwarded, and for how long.
    @Suite struct ForwardedAuthorizationTests {
        private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
        private static let request = HTTPRequest("\(ForwardingMaster.agent)/v2/component", accept: "text/event-stream")

        /// Lends a master with a scripted authorizer before a server that begins an event stream with this text.
        private static func withMaster(
            sending text: String, head more: String = "",
            _ body: (LogHostProcess, ScriptedAuthorizer, RawServer) async throws -> Void
        ) async throws {
            try await withRawServer { exchange in
                try exchange.send("\(self.head)\(more)\r\n")
                try exchange.sendChunk(text)
                try exchange.waitForClose()
            } _: { agent in
                try await withSandboxes { sandboxes in
                    try await sandboxes.set(#"{"slaves": [{"id": "S1", "pid": "slave(1)@127.0.0.1:5051"}]}"#)
                    try await withAuthorizer {
                        $0.morePlugins += ForwardingMaster.plugin(sandboxes, agentPort: agent.port, isGrantedCredential: true)
                    } _: { master, authorizer, _ in
                        try await body(master, authorizer, agent)
                    }
                }
            }
        }

        /// Reads a forwarded stream to its end.
        private static func end(_ master: LogHostProcess) async throws -> (text: String, isComplete: Bool) {
            try await master.open(self.request) { head, connection in
                guard head.status == 200 else { throw HarnessError("status \(head.status)") }
                var bytes: [UInt8] = []
                while let piece = (try? connection.readPiece()) ?? nil { bytes += piece }
                return (String(decoding: bytes, as: UTF8.self), connection.isComplete)
            }
        }

        /// A place in a stream, what is there, and whether a word of the host's own can follow.
        @Test(arguments: [
            ("data: one\n\n", "", true), ("data: one\n\n: ping\n\n", "", true), ("data: one\n", "", false),
            ("data: one\n\n", "Content-Encoding: gzip\r\n", false),
        ])
        func `an event stream ends with its authorization`(text: String, head: String, isTold: Bool) async throws {
            try await Self.withMaster(sending: text, head: head) { master, authorizer, agent in
                try authorizer.say("allow principal=p expires=\((time(nil) + 3) * 1_000_000)")
                let (received, isComplete) = try await Self.end(master)
                #expect(received.hasPrefix(text))
                let rest = received.dropFirst(text.count)
                #expect(rest.hasPrefix("event: fault\ndata: {\"status\":401,") == isTold)
                #expect(rest.isEmpty != isTold)
                #expect(!isComplete, "it must not look like a proper end")
                #expect(try await master.waits { agent.abandoned == 1 })
            }
        }

        @Test(arguments: ["deny principal=p", "allow principal=other", "unauthenticated"])
        func `an event stream ends when it is no longer allowed`(says: String) async throws {
            try await Self.withMaster(sending: "data: one\n\n") { master, authorizer, agent in
                try authorizer.say("allow principal=p recheck=1")
                let (last, isComplete) = try await master.open(Self.request) { _, connection in
                    _ = try connection.readEvent()
                    try authorizer.say(says)
                    let last = try connection.readEvent()
                    while (try? connection.readPiece()) ?? nil != nil {}
                    return (last, connection.isComplete)
                }
                #expect(last?.name == "fault")
                #expect(!isComplete)
                #expect(try await master.waits { agent.abandoned == 1 })
            }
        }

        @Test func `what is not allowed is not forwarded`() async throws {
            try await Self.withMaster(sending: "data: one\n\n") { master, authorizer, agent in
                for (says, status) in [("deny principal=p", 403), ("abstain", 401), ("undecided", 503)] {
                    try authorizer.say(says)
                    #expect(try await master.send(Self.request).status == status)
                }
                // Nothing tells the agent about the filter.
                try authorizer.say("allow principal=p filter=_UID:1")
                #expect(try await master.send(Self.request).status == 403)
                #expect(agent.requests.isEmpty)
            }
        }

        @Test func `an agent gets the credential that was verified, in the form it knows`() async throws {
            try await Self.withMaster(sending: "data: one\n\n") { master, authorizer, agent in
                for (says, expected) in [("credential=verified", "token=verified"), ("", "Bearer given")] {
                    try authorizer.say("allow principal=p \(says)")
                    let request = HTTPRequest(
                        Self.request.target, accept: "text/event-stream", headers: ["Authorization": "Bearer given"])
                    _ = try await master.open(request) { _, connection in try connection.readEvent() }
                    #expect(agent.requests.last?["Authorization"] == expected)
                }
                for secret in ["verified", "given"] { #expect(!master.log.contains("\"\(secret)\"")) }
            }
        }

        @Test func `what an agent serves under its own id is decided again, and once`() async throws {
            try await withSandboxes { sandboxes in
                try sandboxes.write("one\n", to: "stdout")
                try await withAuthorizer {
                    $0.morePlugins += [
                        "  - name: sandbox", "    library: libloghost-mesos-sandbox.so",
                        "    config: {role: agent, agent: \"127.0.0.1:\(sandboxes.ports.agent)\"}",
                    ]
                } _: { server, authorizer, _ in
                    let rest = "\(Sandboxes.base)/stdout"
                    let path = "\(ForwardingMaster.agent)\(rest)"
                    try authorizer.say("allow principal=p only=/system/v1/")
                    #expect(try await server.get(path).text == "one\n")
                    #expect(authorizer.calls == 2)
                    let records = try server.log.split(separator: "\n").filter { $0.contains("\"authorization\"") }
                        .map { try JSONValue(String($0)) }
                    #expect(records.map { $0["path"]?.string } == [path, "/system/v1/logs\(rest)"])
                    // Either of them is enough to refuse.
                    for (only, calls) in [(ForwardingMaster.agent, 2), ("/system/v1/logs", 1)] {
                        let before = authorizer.calls
                        try authorizer.say("allow principal=p only=\(only)")
                        #expect(try await server.get(path).status == 403)
                        #expect(authorizer.calls == before + calls)
                    }
                }
            }
        }
    }
}
