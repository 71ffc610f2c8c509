internal import Testing

extension EndToEndTests {
    /// Many followers of one file, of a source that knows neither filters nor times: the example in C.
    @Suite struct FollowedFileTests {
        private static let target = "/v2/files/log"

        private static func lines(_ range: ClosedRange<Int>) -> String { range.reduce("") { "\($0)line \($1)\n" } }

        /// Lends a server and follows the file `log`, of five lines, in all formats and so many times.
        private static func withFollowers(
            _ count: Int, _ read: @escaping @Sendable (FollowReader, Highest) throws -> Void,
            _ body: (LogHostProcess, FileSource, Highest) async throws -> Void,
            _ check: (LogHostProcess, FollowFormat, Followed) async throws -> Void
        ) async throws {
            try await withFileSource { server, files in
                try writeFile(files.path("log"), Array(Self.lines(1...5).utf8))
                let arrived = Highest()
                try await withThrowingTaskGroup(of: (FollowFormat, Followed).self) { group in
                    for number in 0..<count {
                        let format = FollowFormat.allCases[number % 3]
                        group.addTask {
                            try await server.follow(Self.target, as: format) { reader in
                                try reader.read(to: 5)
                                arrived.increment()
                                try read(reader, arrived)
                                return (format, Followed(reader))
                            }
                        }
                    }
                    try await arrived.wait(for: count)
                    try await Task.sleep(for: .milliseconds(300))
                    try await body(server, files, arrived)
                    for try await (format, followed) in group { try await check(server, format, followed) }
                }
            }
        }

        @Test func `lines reach all followers in all formats, and parts of lines only when they are whole`() async throws {
            try await Self.withFollowers(30) { reader, _ in
                try reader.read(to: 1000)
            } _: { _, files, _ in
                for number in 6...500 {
                    let line = Self.lines(number...number)
                    let middle = line.index(line.startIndex, offsetBy: number % line.count)
                    try files.append(String(line[..<middle]), to: "log")
                    if number % 20 == 0 { try await Task.sleep(for: .milliseconds(20)) }
                    try files.append(String(line[middle...]), to: "log")
                }
                try await Task.sleep(for: .milliseconds(200))
                try files.append(Self.lines(501...1000), to: "log")
            } _: { server, format, followed in
                #expect(followed.difference(to: 1...1000) == nil, "\(format)")
                guard format == .sse else { return }
                let id = try #require(followed.records[599].id)
                let rest = try await server.follow(Self.target, as: .sse, after: id) { reader in
                    try reader.read(to: 1000)
                    return reader.records
                }
                #expect(rest.map(\.id) == followed.records[600...].map(\.id))
                #expect(rest.map(\.number) == followed.records[600...].map(\.number))
            }
        }

        @Test func `a long line reaches all followers whole`() async throws {
            let long = "line 6 " + String(repeating: "x", count: 3 << 20)
            try await Self.withFollowers(6) { reader, _ in
                try reader.read(to: 7)
            } _: { _, files, _ in
                try files.append("\(long)\nline 7\n", to: "log")
            } _: { _, format, followed in
                #expect(followed.difference(to: 1...7) == nil, "\(format)")
                #expect(followed.records.dropLast().last?.bytes.count ?? 0 >= long.utf8.count)
            }
        }

        @Test func `a file that was cut is a gap in its place, and the end of lines without events`() async throws {
            try await Self.withFollowers(12) { reader, arrived in
                if case .some(let count) = try? reader.untilGap(), count > 0 { arrived.increment() }
                while reader.numbers.last != 103, try reader.read() {}
            } _: { _, files, arrived in
                try files.append(Self.lines(6...9), to: "log")
                try await Task.sleep(for: .milliseconds(200))
                try files.truncate("log")
                // The four of twelve that can be told; before, the file must not grow beyond their place again.
                try await arrived.wait(for: 12 + 4)
                try files.append(Self.lines(101...103), to: "log")
            } _: { server, format, followed in
                guard format == .sse else {
                    #expect(followed.difference(to: 1...9) == nil, "\(format)")
                    #expect(!followed.isComplete, "\(format): a clean end would say that this is all")
                    return
                }
                #expect(followed.difference(to: Array(1...9) + [101, 102, 103]) == nil)
                let gaps = followed.records.filter { $0.kind == .event("gap") }
                #expect(gaps.count == 1)
                #expect(followed.records.firstIndex { $0.kind == .event("gap") } == 9, "in its place")
                let gap = gaps.first?.json
                #expect(gap?["cause"]?.string == "truncation")
                #expect(gap?["from"]?.string == followed.records[8].id)
                #expect(gap?["count"] == .some(.null))
                let id = try #require(followed.records[10].id)
                let rest = try await server.follow(Self.target, as: .sse, after: id) { reader in
                    try reader.read(to: 103)
                    return reader.numbers
                }
                #expect(rest == [102, 103])
            }
        }

        @Test func `a file that was renamed ends its follows cleanly when it is read to its end`() async throws {
            try await Self.withFollowers(12) { reader, _ in
                try reader.readToEnd()
            } _: { _, files, _ in
                try files.append(Self.lines(6...8) + "line 9", to: "log")
                try files.rename("log", to: "log.1")
            } _: { _, format, followed in
                #expect(followed.difference(to: 1...9) == nil, "\(format)")
                #expect(followed.isComplete)
                if format == .sse {
                    #expect(followed.records.last?.kind == .event("end"))
                    #expect(followed.records.last?.json?["reason"]?.string == "end of log")
                }
            }
        }

        /// A small ring that whoever reads nothing falls out of.
        @Test(arguments: FollowFormat.allCases)
        func `who reads slowly gets all lines of a file`(format: FollowFormat) async throws {
            try await withFileSource({ $0.streams["ring"] = "64KiB" }) { server, files in
                try writeFile(files.path("log"), Array(Self.lines(1...5).utf8))
                let isLive = Highest()
                let goOn = Highest()
                async let slow = server.follow(Self.target, as: format) { reader in
                    try reader.read(to: 5)
                    isLive.increment()
                    try goOn.waitBlocking(for: 1)
                    try reader.read(to: 8000)
                    return Followed(reader)
                }
                try await isLive.wait(for: 1)
                try await Task.sleep(for: .milliseconds(300))
                async let other = server.follow(Self.target, as: format) { reader in
                    try reader.read(to: 8000)
                    return Followed(reader)
                }
                let padding = String(repeating: "x", count: 500)
                for start in stride(from: 6, through: 8000, by: 5) {
                    try files.append((start..<min(start + 5, 8001)).reduce("") { "\($0)line \($1) \(padding)\n" }, to: "log")
                }
                #expect(try await other.difference(to: 1...8000) == nil)
                goOn.increment()
                #expect(try await slow.difference(to: 1...8000) == nil)
            }
        }
    }
}

extension FollowReader {
    /// Reads until there is a gap; answers how many there are, 0 when the follow has ended.
    fileprivate func untilGap() throws -> Int {
        while true {
            let count = self.records.count { $0.kind == .event("gap") }
            if count > 0 { return count }
            guard try self.read() else { return 0 }
        }
    }
}
