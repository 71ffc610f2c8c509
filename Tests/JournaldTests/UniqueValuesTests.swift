import FoundationEssentials
import PluginKit
import Testing

@Suite struct UniqueValuesTests {
    /// The answer's status and values; the order is libsystemd's own.
    private static func values(_ source: any LogSource, _ field: String) throws -> (status: Int, values: Set<String>?) {
        let route = try #require(source.routes.first { $0.path == "/v1/fields/{field}" })
        let resolution = try source.resolve(Request(route: route.id, variables: [("field", field)]))
        guard case .answer(let status, let headers, let bytes) = resolution else {
            Issue.record("no answer: \(resolution)")
            return (0, nil)
        }
        #expect(headers.map { "\($0.name): \($0.value)" } == (bytes == nil ? [] : ["Content-Type: application/json"]))
        let list = try bytes.map { try JSONDecoder().decode([String].self, from: Data($0)) }
        #expect(list.map { Set($0).count } == list?.count)
        return (status, list.map(Set.init))
    }

    @Test func `each value once, over all files`() throws {
        try withJournal { journal in
            let written = WrittenJournal.entries(60)
            try journal.write("a", Array(written[..<30]))
            try journal.write("b", Array(written[30...]))
            let source = try journal.source(fields: ["PRIORITY", "STREAM", "MISSING", "RARE"])
            for _ in 0..<2 {
                let priorities = try Self.values(source, "PRIORITY")
                #expect(priorities.status == 200)
                #expect(priorities.values == Set((0..<8).map { "\($0)" }))
            }
            #expect(try Self.values(source, "STREAM").values == ["stdout", "stderr"])
            #expect(try Self.values(source, "RARE").values == ["\u{0}\u{FFFD}\n="])
            let missing = try Self.values(source, "MISSING")
            #expect(missing.status == 204)
            #expect(missing.values == nil)
            // Asking has left no trace in the handles that are used again.
            #expect(try readAll(source).count == 60)
        }
    }

    @Test func `without journal files there is nothing`() throws {
        try withJournal { journal in
            let answer = try Self.values(journal.source(), "STREAM")
            #expect(answer.status == 204)
            #expect(answer.values == nil)
        }
    }

    @Test(arguments: ["MESSAGE", "", "stream", "STREAM=x"]) func `a field that is not given out is refused with those that are`(
        field: String
    ) throws {
        try withJournal { journal in
            let error = #expect(throws: PluginError.self) { try Self.values(journal.source(), field) }
            #expect(error?.code == .invalid)
            #expect(error?.message == "field: expected one of FRAMEWORK_ID, AGENT_ID, EXECUTOR_ID, CONTAINER_ID, STREAM")
        }
    }
}
