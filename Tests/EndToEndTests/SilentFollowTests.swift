internal import Testing

extension EndToEndTests {
    /// Follows to whom nothing that is written matters.
    @Suite struct SilentFollowTests {
        private static let target = "/v2/component?filter=NOTHING:passes"

        private static func withServer(keepAlive: String, _ body: (LogHostProcess, JournalWriter) async throws -> Void)
            async throws
        {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams["keep_alive"] = keepAlive
                try await withLogHost(configuration) { server in
                    try await journal.withWriter { writer in
                        try await writer.write([JournalEntry(1)])
                        _ = try await server.follow("/v2/component", as: .sse) { try $0.read(to: 1) }
                        try await body(server, writer)
                    }
                }
            }
        }

        @Test func `signs of life go on while others get news`() async throws {
            try await Self.withServer(keepAlive: "300ms") { server, writer in
                let isOver = Highest()
                async let events = server.follow(Self.target, as: .sse) { try Self.listen($0, until: isOver) }
                async let lines = server.follow(Self.target, as: .json) { try Self.listen($0, until: isOver) }
                async let other = server.follow("/v2/component", as: .sse) { reader in
                    try reader.read(to: 150)
                    return Followed(reader)
                }
                for number in 2...150 {
                    try await writer.write([JournalEntry(number)])
                    try await Task.sleep(for: .milliseconds(15))
                }
                isOver.increment()
                let busy = try await other
                #expect(busy.difference(to: 1...150) == nil)
                #expect(busy.signsOfLife == 0, "who gets news needs no other sign")
                for followed in try await [events, lines] {
                    #expect(followed.records.isEmpty)
                    // 2.3 s or more; not one for each entry.
                    #expect((3...30).contains(followed.signsOfLife), "\(followed.signsOfLife)")
                }
            }
        }

        /// Reads for as long as the others write; the last sign of life ends it.
        private static func listen(_ reader: FollowReader, until isOver: Highest) throws -> Followed {
            while isOver.value == 0, try reader.read() {}
            return Followed(reader)
        }

        @Test(arguments: FollowFormat.allCases)
        func `a follow ends with its client although nothing is ever sent`(format: FollowFormat) async throws {
            try await Self.withServer(keepAlive: "60s") { server, writer in
                let before = try await server.restingSockets
                let isOpen = Highest()
                let goOn = Highest()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            try await server.follow(Self.target, as: format) { _ in
                                isOpen.increment()
                                try goOn.waitBlocking(for: 1)
                            }
                        }
                    }
                    try await isOpen.wait(for: 20)
                    try await Task.sleep(for: .milliseconds(400))
                    try await writer.write([JournalEntry(2)])
                    #expect(server.openDescriptors.sockets >= before + 20)
                    goOn.increment()
                    try await group.waitForAll()
                }
                let areGone = try await server.waits { server.openDescriptors.sockets <= before }
                #expect(areGone, "\(server.openDescriptors.sockets) sockets instead of \(before)")
            }
        }
    }
}
