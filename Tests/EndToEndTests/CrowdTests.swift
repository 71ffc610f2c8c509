internal import Glibc
internal import Testing

extension EndToEndTests {
    /// What many followers cost, and what is left when they have gone.
    @Suite struct CrowdTests {
        private static let filters = ["", "filter=PARITY:even", "filter=NOTHING:passes", "filter=PARITY:odd&filter=PARITY:even"]

        private static func entry(_ number: Int) -> JournalEntry {
            JournalEntry(number, [("PARITY", Array((number % 2 == 0 ? "even" : "odd").utf8))])
        }

        /// Lets so many follow at once until they have seen something, and then leave in the middle of it.
        private static func crowd(_ count: Int, _ server: LogHostProcess, _ write: (Int) async throws -> Void) async throws {
            let isOpen = Highest()
            let goOn = Highest()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    let format = FollowFormat.allCases[number % 3]
                    let filter = Self.filters[number % Self.filters.count] + (number % 5 == 0 ? "&filter=BUCKET:\(number)" : "")
                    group.addTask {
                        try await server.follow("/v2/component?skip=-1&\(filter)", as: format) { _ in
                            isOpen.increment()
                            try goOn.waitBlocking(for: 1)
                        }
                    }
                }
                try await isOpen.wait(for: count)
                try await write(count)
                goOn.increment()
                try await group.waitForAll()
            }
        }

        /// Who waits for a seat must not take it from those who only join: nobody would ever be at the live end.
        @Test func `a crowd that shares one seat comes to rest at the live end`() async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.limits["catch_ups"] = "1"
                try await withLogHost(configuration) { server in
                    try await journal.withWriter { writer in
                        try await writer.write([Self.entry(0)])
                        try await Self.crowd(100, server) { _ in
                            try await Task.sleep(for: .seconds(1))
                            let before = try server.processorTime
                            try await Task.sleep(for: .seconds(1))
                            let spent = try server.processorTime - before
                            #expect(spent < 30, "\(spent) hundredths of a second")
                        }
                    }
                }
            }
        }

        @Test func `two hundred followers leave nothing behind`() async throws {
            try await withJournal { journal in
                try await withLogHost(LogHostConfiguration(directory: journal.directory)) { server in
                    try await journal.withWriter { writer in
                        try await writer.write([Self.entry(0)])
                        let before = try await server.restingSockets
                        var next = 1
                        func round() async throws -> (descriptors: Int, memory: Int) {
                            try await Self.crowd(200, server) { _ in
                                try await Task.sleep(for: .milliseconds(300))
                                for _ in 0..<50 {
                                    try await writer.write((next..<next + 10).map(Self.entry))
                                    next += 10
                                    try await Task.sleep(for: .milliseconds(5))
                                }
                            }
                            let isAlone = try await server.waits { server.openDescriptors.sockets <= before }
                            #expect(isAlone, "\(server.openDescriptors.sockets) sockets are open, \(before) before")
                            try await Task.sleep(for: .milliseconds(300))
                            return (server.openDescriptors.all, try server.anonymousMemory)
                        }
                        // What is kept for the next time is there after the first two rounds.
                        _ = try await round()
                        let first = try await round()
                        var last = first
                        for _ in 0..<3 { last = try await round() }
                        #expect(last.descriptors <= first.descriptors + 2, "\(last.descriptors) instead of \(first.descriptors)")
                        #expect(last.memory - first.memory < 6 << 20, "\((last.memory - first.memory) >> 10) KiB more")
                        #expect(try await server.get("/v1/range/?limit=1").status == 200)
                    }
                }
            }
        }

        /// While somebody follows, the journal is looked at many times in a second; else never.
        @Test func `a host that nobody follows does nothing`() async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams["keep_alive"] = "15s"
                try await withLogHost(configuration) { server in
                    try await journal.withWriter { writer in
                        try await writer.write([Self.entry(0)])
                        try await Self.crowd(20, server) { _ in
                            try await writer.write((1...50).map(Self.entry))
                            try await Task.sleep(for: .milliseconds(300))
                        }
                        try await Task.sleep(for: .seconds(1))
                        let (waits, time) = (try server.waits, try server.processorTime)
                        try await Task.sleep(for: .seconds(2))
                        let (waited, worked) = (try server.waits - waits, try server.processorTime - time)
                        #expect(worked <= 2, "\(worked) hundredths of a second in two seconds")
                        #expect(waited < 60, "its threads woke \(waited) times in two seconds")
                    }
                }
            }
        }

        @Test func `SIGTERM ends fifty live followers cleanly`() async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams = ["keep_alive": "60s"]
                try await withLogHost(configuration) { server in
                    try await journal.withWriter { writer in
                        try await writer.write((1...2).map(Self.entry))
                        let live = Highest()
                        try await withThrowingTaskGroup(of: (Int, Followed).self) { group in
                            for number in 0..<50 {
                                let format = FollowFormat.allCases[number % 3]
                                let filter = Self.filters[number % Self.filters.count]
                                group.addTask {
                                    try await server.follow("/v2/component?\(filter)", as: format) { reader in
                                        if !filter.contains("NOTHING") { try reader.read(to: 20) }
                                        live.increment()
                                        try reader.readToEnd()
                                        return (number, Followed(reader))
                                    }
                                }
                            }
                            try await Task.sleep(for: .milliseconds(500))
                            try await writer.write((3...20).map(Self.entry))
                            try await live.wait(for: 50)
                            try await Task.sleep(for: .milliseconds(100))
                            server.child.send(SIGTERM)
                            #expect(try await server.child.waitForExit(within: .seconds(5)) == .status(0))
                            for try await (number, followed) in group {
                                let (format, filter) = (
                                    FollowFormat.allCases[number % 3], Self.filters[number % Self.filters.count]
                                )
                                let comment = Comment(rawValue: "\(filter) as \(format)")
                                #expect(followed.isComplete, comment)
                                let numbers = (1...20).filter { number in
                                    filter.contains("NOTHING") ? false : filter == "filter=PARITY:even" ? number % 2 == 0 : true
                                }
                                #expect(followed.difference(to: numbers) == nil, comment)
                                if format == .sse {
                                    #expect(followed.records.last?.kind == .comment("the host is stopping"), comment)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
