internal import Testing

extension EndToEndTests {
    /// Positions that depend on what lies around a cursor. Of the golden journal's 300 entries each fifth has PRIORITY=3, from the first on.
    @Suite(.goldenServer) struct PositionTests {
        private struct Answer: Equatable {
            var status = 200
            var numbers: [Int] = []
            var next: Int
            var prev: Int
        }

        private static func cursors() async throws -> [String] {
            try await Golden.server.get("/v1/range/", accept: "application/json").jsonLines.compactMap { $0["cursor"]?.string }
        }

        /// `C(n)` in a query stands for the cursor of the nth entry.
        private static func get(_ path: String, _ cursors: [String]) async throws -> Answer {
            var target = path
            while let mark = target.firstRange(of: /C\((\d+)\)/), let number = Int(target[mark].dropFirst(2).dropLast()) {
                target.replaceSubrange(mark, with: cursors[number - 1])
            }
            let answer = try await Golden.server.get(target, accept: "application/json")
            let numbers = try answer.jsonLines.compactMap { line in
                line["cursor"]?.string.flatMap { cursors.firstIndex(of: $0) }.map { $0 + 1 }
            }
            return Answer(
                status: answer.status, numbers: numbers, next: answer.head["X-Journal-Skip-Next"].flatMap { Int($0) } ?? 0,
                prev: answer.head["X-Journal-Skip-Prev"].flatMap { Int($0) } ?? 0)
        }

        @Test func `steps back from an entry that the filter hides are steps over entries that pass it`() async throws {
            let cursors = try await Self.cursors()
            for (query, numbers, next, prev) in [
                ("cursor=C(100)&skip_prev=1", [96, 101], 0, 1), ("cursor=C(100)&skip_prev=2", [91, 96], 0, 2),
                ("cursor=C(101)&skip_prev=1", [96, 101], 0, 1), ("cursor=C(2)&skip_prev=1", [1, 6], 0, 1),
                ("cursor=C(2)&skip_prev=9", [1, 6], 0, 1), ("cursor=C(100)&skip_next=1", [101, 106], 1, 0),
                ("cursor=C(100)&skip_next=1&read_reverse=true", [101, 96], 1, 0),
                ("cursor=C(100)&skip_next=2&read_reverse=true", [106, 101], 2, 0),
                ("cursor=C(101)&skip_next=1&read_reverse=true", [106, 101], 1, 0),
                ("cursor=C(300)&skip_next=1&read_reverse=true", [296, 291], 0, 0),
            ] {
                let answer = try await Self.get("/v1/range/?filter=PRIORITY:3&limit=2&\(query)", cursors)
                #expect(answer == Answer(numbers: numbers, next: next, prev: prev), "\(query)")
            }
            for (query, numbers) in [("cursor=C(100)&skip=-1", [96, 101]), ("cursor=C(101)&skip=-1", [96, 101])] {
                #expect(
                    try await Self.get("/v2/component?filter=PRIORITY:3&limit=2&\(query)", cursors).numbers == numbers, "\(query)"
                )
            }
        }

        @Test func `of both skips the first is carried out before the second`() async throws {
            let cursors = try await Self.cursors()
            for (query, numbers, next, prev) in [
                ("cursor=C(300)&skip_next=2&skip_prev=1", [299, 300], 0, 1),
                ("cursor=C(300)&skip_next=2&skip_prev=2", [298, 299, 300], 0, 2),
                ("cursor=C(298)&skip_next=9&skip_prev=1", [299, 300], 2, 1),
                ("cursor=C(298)&skip_next=9&skip_prev=2", [299, 300], 2, 2),
                ("cursor=C(298)&skip_next=9&skip_prev=3", [297, 298, 299], 2, 3),
                ("cursor=C(100)&skip_next=500&skip_prev=5", [295, 296, 297], 200, 5),
                ("cursor=C(100)&skip_next=5&skip_prev=2", [103, 104, 105], 5, 2),
                ("cursor=C(100)&skip_next=2&skip_prev=5", [97, 98, 99], 2, 5),
                ("cursor=C(2)&skip_next=2&skip_prev=5", [1, 2, 3], 2, 3),
                ("skip_next=500&skip_prev=3", [298, 299, 300], 300, 3), ("skip_next=5&skip_prev=3", [298, 299, 300], 5, 3),
                ("skip_next=500&skip_prev=900", [1, 2, 3], 300, 300),
            ] {
                let answer = try await Self.get("/v1/range/?limit=3&\(query)", cursors)
                #expect(answer == Answer(numbers: numbers, next: next, prev: prev), "\(query)")
            }
        }

        @Test(
            arguments: [
                ("skip_next=5&since=@1800000000", 5, 0), ("skip_next=2&until=@1700000000.5", 2, 0),
                ("skip_next=1&until=@1", 1, 0),
                ("read_reverse=true&skip_prev=3&since=@1800000000", 0, 3), ("skip_next=500&until=@1", 300, 0),
            ])
        func `what a bound leaves out was stepped over all the same`(query: String, next: Int, prev: Int) async throws {
            let answer = try await Self.get("/v1/range/?\(query)", [])
            #expect(answer == Answer(status: 204, next: next, prev: prev))
        }

        @Test(arguments: ["filter=PRIORITY:3", "filter=NOPE:x"])
        func `a follow ends behind its last time, also where its filter lets nothing pass there`(filter: String) async throws {
            let request = HTTPRequest("/v2/component?\(filter)&until=@1700000001", accept: "text/event-stream")
            let end = try await Golden.server.open(request) { _, connection in
                var last: String?
                while let event = try connection.readEvent() { last = event.name ?? last }
                return last
            }
            #expect(end == "end")
        }

        @Test(arguments: ["/v1/stream/", "/v2/component"])
        func `a header that is no cursor is named as the header that it is`(path: String) async throws {
            let answer = try await Golden.server.get(path, accept: "application/json", headers: ["Last-Event-ID": "garbage"])
            #expect(answer.status == 400)
            let problem = try JSONValue(answer.text)
            #expect(problem["parameter"]?.string == "Last-Event-ID")
            #expect(problem["detail"]?.string?.contains("cursor") == false)
        }
    }
}
