internal import Testing

extension EndToEndTests {
    /// Followers that read less than what comes.
    @Suite struct SlowFollowerTests {
        /// 10 MB in all: more than the ring of 64 KiB and whatever the kernel keeps of a connection.
        private static let burst = 5000

        private static func entry(_ number: Int) -> JournalEntry {
            JournalEntry(number, message: "line \(number) \(String(repeating: "x", count: 2000))")
        }

        private static func withServer(
            _ limits: [String: String] = [:], _ body: (LogHostProcess, JournalWriter) async throws -> Void
        ) async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams["ring"] = "64KiB"
                configuration.limits = limits
                configuration.listensOnTCP = true
                try await withLogHost(configuration) { server in
                    try await journal.withWriter { writer in
                        try await writer.write([Self.entry(1)])
                        try await body(server, writer)
                    }
                }
            }
        }

        @Test(arguments: ["", "on_slow=wait"])
        func `who reads nothing while a burst comes gets all of it later, and nobody waits for him`(onSlow: String) async throws {
            try await Self.withServer { server, writer in
                let target = "/v2/component?\(onSlow)"
                let isLive = Highest()
                let goOn = Highest()
                let fast = FollowFormat.allCases.map { ($0, Highest()) }
                let end = Self.burst + 5
                try await withThrowingTaskGroup(of: Followed.self) { group in
                    for (format, progress) in fast {
                        group.addTask {
                            try await server.follow(target, as: format, within: .seconds(30)) { reader in
                                while progress.value <= end, try reader.read() { progress.advance(to: reader.numbers.last ?? 0) }
                                return Followed(reader)
                            }
                        }
                    }
                    for format in FollowFormat.allCases {
                        group.addTask {
                            try await server.follow(target, as: format, over: .tcp, within: .seconds(30), receiveBuffer: 4096) {
                                reader in
                                try reader.read(to: 1)
                                isLive.increment()
                                try goOn.waitBlocking(for: 1)
                                try reader.read(to: end)
                                isLive.increment()
                                try reader.read(to: end + 1)
                                return Followed(reader)
                            }
                        }
                    }
                    try await isLive.wait(for: 3)
                    for (_, progress) in fast { try await progress.wait(for: 1) }
                    try await Task.sleep(for: .milliseconds(400))
                    let memory = try server.anonymousMemory
                    try await writer.write((2...Self.burst).map(Self.entry))
                    for (format, progress) in fast {
                        #expect(try await progress.wait(for: Self.burst) < .seconds(5), "\(format)")
                    }
                    #expect(try server.anonymousMemory - memory < 20 << 20, "nobody keeps what is not read")
                    for number in Self.burst + 1...end {
                        try await writer.write([Self.entry(number)])
                        for (format, progress) in fast {
                            #expect(try await progress.wait(for: number) < .seconds(2), "\(format)")
                        }
                    }
                    goOn.increment()
                    try await isLive.wait(for: 6)
                    // They are where the others are.
                    try await writer.write([Self.entry(end + 1)])
                    for try await followed in group {
                        #expect(followed.difference(to: 1...end + 1) == nil)
                        #expect(followed.records.allSatisfy { $0.isEntry }, "nothing was lost: nothing else is said")
                    }
                }
            }
        }

        @Test(arguments: FollowFormat.allCases)
        func `who wants to be disconnected when he is slow is, without a clean end`(format: FollowFormat) async throws {
            try await Self.withServer { server, writer in
                let target = "/v2/component?on_slow=disconnect"
                let isLive = Highest()
                let written = Highest()
                async let slow = server.follow(target, as: format, over: .tcp, within: .seconds(15), receiveBuffer: 4096) {
                    reader in
                    try reader.read(to: 1)
                    isLive.increment()
                    try written.waitBlocking(for: 1)
                    do { try reader.readToEnd() } catch let error where !"\(error)".contains("deadline") {}
                    return Followed(reader)
                }
                try await isLive.wait(for: 1)
                try await Task.sleep(for: .milliseconds(400))
                async let other = server.follow("/v2/component", as: format, within: .seconds(30)) { reader in
                    try reader.read(to: Self.burst)
                    written.increment()
                    return Followed(reader)
                }
                try await writer.write((2...Self.burst).map(Self.entry))
                #expect(try await other.difference(to: 1...Self.burst) == nil)
                let followed = try await slow
                #expect(!followed.isComplete, "a clean end would say that this is all")
                let count = followed.numbers.count
                #expect(count < Self.burst, "that many do not fit")
                #expect(followed.difference(to: 1...max(1, count)) == nil)
                #expect(followed.records.allSatisfy { $0.isEntry })
                guard format == .sse else { return }
                let id = try #require(followed.records.last?.id)
                let rest = try await server.follow(target, as: .sse, after: id) { reader in
                    try reader.read(to: Self.burst)
                    return Followed(reader)
                }
                #expect(rest.difference(to: count + 1...Self.burst) == nil)
            }
        }

        @Test(arguments: FollowFormat.allCases)
        func `who wants to be disconnected when he is slow and is not, stays`(format: FollowFormat) async throws {
            try await Self.withServer { server, writer in
                async let followed = server.follow("/v2/component?on_slow=disconnect", as: format) { reader in
                    try reader.read(to: 120)
                    return Followed(reader)
                }
                for number in 2...120 {
                    try await writer.write([Self.entry(number)])
                    try await Task.sleep(for: .milliseconds(8))
                }
                let difference = try await followed.difference(to: 1...120)
                #expect(difference == nil, "\(difference ?? "")")
            }
        }

        @Test(arguments: ["/v1/stream/", "/v2/component", "/v1/range/?follow=true", "/v2/component?on_slow=x&on_slow=wait"])
        func `another value of on_slow is 400 and named`(target: String) async throws {
            try await Self.withServer { server, _ in
                let separator = target.contains("?") ? "&" : "?"
                for value in ["x", "Wait", "disconnect%20"] {
                    let answer = try await server.get("\(target)\(separator)on_slow=\(value)", accept: "application/json")
                    #expect(answer.status == 400)
                    #expect(answer.head.mediaType == "application/problem+json")
                    #expect(try JSONValue(answer.text)["parameter"]?.string == "on_slow")
                }
            }
        }

        @Test func `more slow followers than may catch up at once all get everything, and a new one does not wait`() async throws
        {
            try await Self.withServer(["catch_ups": "1"]) { server, writer in
                let stage = Highest()
                let arrived = Highest()
                let goOn = Highest()
                let end = Self.burst + 3
                try await withThrowingTaskGroup(of: Followed.self) { group in
                    for number in 0..<9 {
                        let format = FollowFormat.allCases[number % 3]
                        // Six that were live when the burst came; three that begin at the oldest entry behind it.
                        let start = number < 6 ? 0 : 1
                        group.addTask {
                            try await stage.wait(for: start)
                            return try await server.follow("/v2/component", as: format, within: .seconds(40)) { reader in
                                try reader.read(to: 1)
                                arrived.increment()
                                try stage.waitBlocking(for: 1)
                                // Far enough to need a reader of its own, and not to the end.
                                try reader.read(to: 500)
                                arrived.increment()
                                try goOn.waitBlocking(for: 1)
                                try reader.read(to: end)
                                return Followed(reader)
                            }
                        }
                    }
                    try await arrived.wait(for: 6)
                    try await Task.sleep(for: .milliseconds(400))
                    try await writer.write((2...Self.burst).map(Self.entry))
                    try await Self.waitForRange(to: Self.burst, server)
                    stage.increment()
                    try await arrived.wait(for: 6 + 3 + 9)

                    for format in FollowFormat.allCases {
                        let clock = ContinuousClock.now
                        let last = try await server.follow("/v2/component?skip=-1", as: format) { reader in
                            try reader.read(records: 1)
                            return reader.numbers
                        }
                        #expect(last == [Self.burst], "\(format)")
                        #expect(ContinuousClock.now - clock < .seconds(2), "\(format)")
                    }
                    let progress = Highest()
                    async let newcomer = server.follow("/v2/component?skip=-1", as: .sse) { reader in
                        while progress.value < end, try reader.read() { progress.advance(to: reader.numbers.last ?? 0) }
                        return Followed(reader)
                    }
                    try await progress.wait(for: Self.burst)
                    for number in Self.burst + 1...end {
                        try await writer.write([Self.entry(number)])
                        #expect(try await progress.wait(for: number) < .seconds(2))
                        #expect(try await server.get("/v1/range/?limit=1").status == 200)
                    }
                    #expect(try await newcomer.difference(to: Self.burst...end) == nil)
                    goOn.increment()
                    for try await followed in group {
                        #expect(followed.difference(to: 1...end) == nil)
                        #expect(followed.records.allSatisfy { $0.isEntry })
                    }
                }
            }
        }

        private static func waitForRange(to number: Int, _ server: LogHostProcess) async throws {
            for _ in 0..<500 {
                if try await server.get("/v1/range/?skip_prev=1").text.contains(": line \(number) ") { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw HarnessError("entry \(number) was not written")
        }
    }
}
