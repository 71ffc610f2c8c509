internal import Testing

extension EndToEndTests {
    @Suite(.enabled(if: NamespacedJournald.isPossible, "only root can start a systemd-journald of its own"))
    struct NamespaceTests {
        @Test func `a namespaced journald is followed through its rotations`() async throws {
            try await withNamespacedJournald { journald in
                try journald.write("first", ["N": "1", "UNIT": "one.service"])
                try await withLogHost(LogHostConfiguration(namespace: journald.name)) { server in
                    let request = HTTPRequest("/v2/component/one.service", accept: "text/event-stream")
                    let progress = Progress()
                    async let numbers = server.open(request, within: .seconds(40)) { _, connection in
                        var numbers: [Int?] = []
                        while numbers.count < 300, let event = try connection.readEvent() {
                            if event.data == nil { continue }
                            numbers.append(event.isEntry ? event.json?["fields"]?["N"]?.string.flatMap { Int($0) } : nil)
                            progress.advance(to: numbers.count)
                        }
                        return numbers
                    }
                    for number in 2...300 {
                        try journald.write("entry \(number)", ["N": "\(number)", "UNIT": "one.service"])
                        try journald.write("noise \(number)", ["UNIT": "other.service"])
                        if number % 100 == 0 {
                            try await progress.wait(for: number - 10)
                            journald.rotate()
                        }
                    }
                    let received = try await numbers
                    let wrong = zip(received, 1...).first { $0.0 != $0.1 }
                    #expect(wrong == nil, "the first wrong entry, nil for a gap, and what should be there")
                    #expect(received.count == 300)
                    #expect(try journald.fileCount > 1, "it was rotated")
                }
            }
        }

        @Test func `what is logged by syslog can be read in all formats`() async throws {
            try await withNamespacedJournald { journald in
                try journald.log("<29>Nov 22 10:00:00 e2e[42]: hello from syslog")
                try await withLogHost(LogHostConfiguration(namespace: journald.name)) { server in
                    var answer = try await server.get("/v1/range/?filter=SYSLOG_IDENTIFIER:e2e", accept: "application/json")
                    for _ in 0..<50 where answer.status == 204 {
                        try await Task.sleep(for: .milliseconds(100))
                        answer = try await server.get("/v1/range/?filter=SYSLOG_IDENTIFIER:e2e", accept: "application/json")
                    }
                    let fields = try answer.jsonLines.first?["fields"]
                    #expect(fields?["MESSAGE"] == .string("hello from syslog"))
                    #expect(fields?["SYSLOG_PID"] == .string("42"))
                    #expect(fields?["_NAMESPACE"] == .string(journald.name))
                    let text = try await server.get("/v1/range/?filter=SYSLOG_IDENTIFIER:e2e")
                    #expect(text.text.hasSuffix(": hello from syslog\n"))
                }
            }
        }
    }
}
