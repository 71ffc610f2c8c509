internal import Testing

/// The journal over which the reference implementation was asked: 300 entries, one per second, two boots.
enum Golden {
    static let directory = String(#filePath.dropLast("Harness/Golden.swift".count)) + "Golden"

    /// The cursor of the oldest entry.
    static let oldest =
        "s=97251d47865940579299ff0b206f0999;i=1;b=11111111111111111111111111111111;m=7;t=60a24181e407b;x=ea1846f7c29c642f"

    /// A cursor that is well-formed and not in the journal.
    static let gone =
        "s=97251d47865940579299ff0b206f0999;i=f64;b=11111111111111111111111111111111;m=5e69ec7;t=60a241e04df3b;x=eb34879de9a41b82"

    @TaskLocal fileprivate static var running: (server: LogHostProcess, journal: TestJournal)?

    /// The server that the suite's trait has started.
    static var server: LogHostProcess { get throws { try self.lent.server } }

    /// The journal it reads.
    static var journal: TestJournal { get throws { try self.lent.journal } }

    private static var lent: (server: LogHostProcess, journal: TestJournal) {
        get throws {
            guard let running else { throw HarnessError("the suite lacks the trait .goldenServer") }
            return running
        }
    }

    /// Unpacks the journal into a directory of its own.
    fileprivate static func withUnpacked<Value>(_ body: (TestJournal) async throws -> Value) async throws -> Value {
        try await withJournal { journal in
            let command = "gzip -dc '\(self.directory)/golden.journal.gz' > '\(journal.file("golden"))'"
            guard try await ChildProcess(["sh", "-c", command]).waitForExit(within: .seconds(20)) == .status(0) else {
                throw HarnessError("the golden journal cannot be unpacked")
            }
            return try await body(journal)
        }
    }
}

/// Runs one server over the golden journal for all tests of a suite.
struct GoldenServer: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await Golden.withUnpacked { journal in
            var configuration = LogHostConfiguration(directory: journal.directory)
            configuration.listensOnTCP = true
            try await withLogHost(configuration) { server in
                try await Golden.$running.withValue((server, journal)) { try await body() }
            }
        }
    }
}

extension Trait where Self == GoldenServer {
    static var goldenServer: GoldenServer { GoldenServer() }
}
