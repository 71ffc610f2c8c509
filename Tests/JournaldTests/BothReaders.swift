import Journald
import Testing

/// Runs each test twice: the files mapped, and read by libsystemd.
struct BothReaders: SuiteTrait, TestTrait, TestScoping {
    /// Who reads in the test that runs.
    @TaskLocal static var reader = JournalConfiguration.Reader.mapped

    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        if testCase == nil { return try await function() }
        for reader in [JournalConfiguration.Reader.mapped, .libsystemd] {
            try await Self.$reader.withValue(reader) { try await function() }
        }
    }
}

extension Trait where Self == BothReaders {
    static var bothReaders: Self { Self() }
}
