internal import Glibc
internal import Testing

extension EndToEndTests {
    @Suite struct PermissionTests {
        /// Makes root as powerless before other users' files as anybody.
        private static let withoutPrivilege = [
            "setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search",
        ]

        @Test func `a journal that may not be read is an error that names the group, not an empty answer`() async throws {
            try await withJournal { journal in
                try await journal.write([JournalEntry(1)])
                unsafe chmod(journal.file("a"), 0)
                var configuration = LogHostConfiguration(directory: journal.directory)
                if geteuid() == 0 {
                    unsafe chown(journal.file("a"), 65534, 65534)
                    configuration.launcher = Self.withoutPrivilege
                }
                try await withLogHost(configuration) { server in
                    let answer = try await server.get("/v1/range/")
                    #expect(answer.status == 503)
                    #expect(answer.text.contains("systemd-journal"))
                    #expect(server.log.contains("systemd-journal"))
                    unsafe chmod(journal.file("a"), 0o644)
                    #expect(try await server.get("/v1/range/").status == 200)
                }
            }
        }
    }
}
