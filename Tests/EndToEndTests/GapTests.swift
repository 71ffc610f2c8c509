internal import Glibc
internal import Testing

extension EndToEndTests {
    /// Files that come and go under followers.
    @Suite struct GapTests {
        private static func entry(_ number: Int) -> JournalEntry {
            JournalEntry(number, message: "line \(number) \(String(repeating: "x", count: 1000))")
        }

        /// Everybody has read a file before it goes.
        @Test func `files that rotate and go when they are read cost no follower anything`() async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams["ring"] = "256KiB"
                try await withLogHost(configuration) { server in
                    let progress = (0..<24).map { _ in Highest() }
                    let end = 2000
                    try await withThrowingTaskGroup(of: (FollowFormat, Followed).self) { group in
                        for (number, progress) in progress.enumerated() {
                            let format = FollowFormat.allCases[number % 3]
                            group.addTask {
                                try await server.follow("/v2/component", as: format) { reader in
                                    while progress.value < end, try reader.read() {
                                        progress.advance(to: reader.numbers.last ?? 0)
                                    }
                                    return (format, Followed(reader))
                                }
                            }
                        }
                        for file in 0..<10 {
                            try await journal.withWriter(to: "\(file)") { writer in
                                for start in stride(from: file * 200 + 1, through: file * 200 + 200, by: 20) {
                                    try await writer.write((start..<start + 20).map(Self.entry))
                                    try await Task.sleep(for: .milliseconds(10))
                                }
                            }
                            for progress in progress { try await progress.wait(for: file * 200 + 100) }
                            if file > 1 { try journal.delete("\(file - 2)") }
                        }
                        for try await (format, followed) in group {
                            #expect(followed.difference(to: 1...end) == nil, "\(format)")
                            #expect(followed.records.allSatisfy { $0.isEntry }, "\(format)")
                        }
                    }
                }
            }
        }

        /// With one reader for all who catch up, none of them keeps a file open that has gone.
        @Test(arguments: FollowFormat.allCases)
        func `a file that goes before a slow follower has read it is a gap for him alone`(format: FollowFormat) async throws {
            try await withJournal { journal in
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.streams["ring"] = "64KiB"
                configuration.limits["catch_ups"] = "1"
                try await withLogHost(configuration) { server in
                    let isLive = Highest()
                    let goOn = Highest()
                    let burst = Highest()
                    let end = 4020
                    try await journal.write([Self.entry(1)], to: "a")
                    async let slow = server.follow("/v2/component", as: format, within: .seconds(30)) { reader in
                        try reader.read(to: 1)
                        isLive.increment()
                        try goOn.waitBlocking(for: 1)
                        while reader.numbers.last != end, try reader.read() {}
                        return Followed(reader)
                    }
                    async let fast = server.follow("/v2/component", as: .sse, within: .seconds(30)) { reader in
                        while burst.value < end, try reader.read() { burst.advance(to: reader.numbers.last ?? 0) }
                        return Followed(reader)
                    }
                    try await isLive.wait(for: 1)
                    try await burst.wait(for: 1)
                    try await Task.sleep(for: .milliseconds(400))
                    try await journal.write((2...4000).map(Self.entry), to: "a")
                    try await journal.write((4001...4010).map(Self.entry), to: "b")
                    try await burst.wait(for: 4010)
                    // Takes the one reader there may be.
                    _ = try await server.follow("/v2/component", as: .text) { try $0.read(to: 4010) }
                    try journal.delete("a")
                    try await journal.write((4011...end).map(Self.entry), to: "c")
                    goOn.increment()

                    let other = try await fast
                    #expect(other.difference(to: 1...end) == nil)
                    #expect(other.records.allSatisfy { $0.isEntry }, "who has read everything has no gap")

                    let followed = try await slow
                    guard format == .sse else {
                        let count = followed.numbers.count
                        #expect(followed.difference(to: 1...max(count, 1)) == nil)
                        #expect(count < 4000)
                        #expect(!followed.isComplete, "a clean end would say that this is all")
                        return
                    }
                    let place = try #require(followed.records.firstIndex { $0.kind == .event("gap") })
                    #expect(followed.difference(to: Array(1...place) + Array(4001...end)) == nil)
                    #expect(followed.records.count { !$0.isEntry } == 1)
                    #expect(followed.records[place].json?["cause"]?.string == "vacuum")
                    #expect(followed.records[place].json?["from"]?.string == followed.records[place - 1].id)
                    #expect(followed.records[place].json?["to"]?.string == followed.records[place + 1].id)
                    let id = try #require(followed.records[place + 1].id)
                    let rest = try await server.follow("/v2/component", as: .sse, after: id) { reader in
                        try reader.read(to: end)
                        return Followed(reader)
                    }
                    #expect(rest.difference(to: 4002...end) == nil)
                    #expect(rest.records.allSatisfy { $0.isEntry })
                }
            }
        }
    }

    @Suite(.enabled(if: NamespacedJournald.isPossible, "only root can start a systemd-journald of its own"))
    struct JournaldGapTests {
        private static func write(_ range: ClosedRange<Int>, _ journald: NamespacedJournald) async throws {
            for number in range {
                try journald.write("line \(number)", ["N": "\(number)"])
            }
            // All that was sent is in the file when the last of it is.
            for _ in 0..<200 {
                let arguments = ["--namespace=\(journald.name)", "-q", "-n1", "-o", "cat", "N=\(range.upperBound)"]
                let (_, output) = try await run(["journalctl"] + arguments)
                if output.contains("line \(range.upperBound)") { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw HarnessError("journald did not write entry \(range.upperBound)")
        }

        private static func rotate(_ journald: NamespacedJournald) async throws {
            let count = try journald.fileCount
            journald.rotate()
            for _ in 0..<500 {
                if try journald.fileCount > count { return }
                try await Task.sleep(for: .milliseconds(10))
            }
            throw HarnessError("journald did not rotate")
        }

        @Test func `followers of a journald lose nothing when it rotates and its old files are removed`() async throws {
            try await withNamespacedJournald { journald in
                try await Self.write(1...1, journald)
                try await withLogHost(LogHostConfiguration(namespace: journald.name)) { server in
                    let progress = (0..<12).map { _ in Highest() }
                    try await withThrowingTaskGroup(of: (FollowFormat, Followed).self) { group in
                        for (number, progress) in progress.enumerated() {
                            let format = FollowFormat.allCases[number % 3]
                            // Half of them without a filter: these see whether a sequence number is missing.
                            let target = "/v2/component?" + (number % 2 == 0 ? "" : "filter=_TRANSPORT:journal")
                            group.addTask {
                                try await server.follow(target, as: format) { reader in
                                    while progress.value < 800, try reader.read() {
                                        progress.advance(to: reader.numbers.last ?? 0)
                                    }
                                    return (format, Followed(reader))
                                }
                            }
                        }
                        for start in stride(from: 2, through: 602, by: 200) {
                            try await Self.write(start...min(start + 199, 800), journald)
                            if start == 602 { break }
                            for progress in progress { try await progress.wait(for: start + 100) }
                            try await Self.rotate(journald)
                            try await Self.removeArchives(journald)
                        }
                        try await Self.write(801...801, journald)
                        for try await (format, followed) in group {
                            // journald has entries of its own in between.
                            let wrong = zip(followed.numbers, 1...).first { $0 != $1 }
                            #expect(wrong == nil, "\(format): the first wrong entry, and what should be there")
                            #expect(followed.numbers.count >= 800)
                            #expect(followed.records.allSatisfy { $0.isEntry }, "\(format)")
                        }
                    }
                }
            }
        }

        /// While the host sleeps, journald writes a file, archives it, and the file goes: nobody can have read it.
        @Test(arguments: [true, false])
        func `entries that nobody could read are a gap in their place for all`(removesOthers: Bool) async throws {
            try await withNamespacedJournald { journald in
                try await Self.write(1...1, journald)
                try await withLogHost(LogHostConfiguration(namespace: journald.name)) { server in
                    let live = Highest()
                    try await withThrowingTaskGroup(of: (FollowFormat, Followed).self) { group in
                        for number in 0..<12 {
                            let format = FollowFormat.allCases[number % 3]
                            group.addTask {
                                try await server.follow("/v2/component", as: format) { reader in
                                    var isLive = false
                                    while reader.numbers.last != 90, try reader.read() {
                                        if !isLive, reader.numbers.last == 50 {
                                            isLive = true
                                            live.increment()
                                        }
                                    }
                                    return (format, Followed(reader))
                                }
                            }
                        }
                        try await Task.sleep(for: .milliseconds(400))
                        try await Self.write(2...50, journald)
                        try await live.wait(for: 12)
                        try await Self.sleeping(server) {
                            try await Self.write(51...60, journald)
                            try await Self.rotate(journald)
                            let read = Set(try journald.files)
                            try await Self.write(61...80, journald)
                            try await Self.rotate(journald)
                            // The file that is archived now has a new name; what was archived before has kept its own.
                            for file in try journald.files where file.contains("@") && (removesOthers || !read.contains(file)) {
                                try removeTree(file)
                            }
                            try await Self.write(81...90, journald)
                        }
                        for try await (format, followed) in group {
                            guard format == .sse else {
                                #expect(followed.numbers == Array(1...60), "\(format)")
                                #expect(!followed.isComplete, "\(format): a clean end would say that this is all")
                                continue
                            }
                            #expect(followed.numbers == Array(1...60) + Array(81...90))
                            let gaps = followed.records.filter { $0.kind == .event("gap") }
                            #expect(gaps.count == 1)
                            let place = try #require(followed.records.firstIndex { $0.kind == .event("gap") })
                            let before = try #require(followed.records[..<place].last)
                            let behind = try #require(followed.records[place...].dropFirst().first)
                            #expect(gaps.first?.json?["cause"]?.string == "vacuum")
                            #expect(gaps.first?.json?["from"]?.string == before.id)
                            #expect(gaps.first?.json?["to"]?.string == behind.id)
                            #expect(gaps.first?.json?["count"]?.unsigned ?? 0 >= 20)
                            #expect(followed.records[..<place].compactMap(\.number).last == 60)
                            let rest = try await server.follow("/v2/component", as: .sse, after: behind.id) { reader in
                                try reader.read(to: 90)
                                return Followed(reader)
                            }
                            #expect(rest.records.map(\.id) == followed.records[(place + 2)...].map(\.id))
                        }
                    }
                }
            }
        }

        /// Stops the host's process meanwhile.
        private static func sleeping(_ server: LogHostProcess, _ body: () async throws -> Void) async throws {
            server.child.send(SIGSTOP)
            defer { server.child.send(SIGCONT) }
            try await body()
        }

        private static func removeArchives(_ journald: NamespacedJournald) async throws {
            for file in try journald.files where file.contains("@") { try removeTree(file) }
        }
    }
}
