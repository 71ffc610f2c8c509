import FoundationEssentials
import Journald
import PluginKit
import Testing

@Suite struct JournalConfigurationTests {
    @Test(
        arguments: [
            "{}", "{\"directory\":\"/var/log/journal\"}", "{\"files\":[\"/a.journal\"]}", "{\"files\":[\"/a\",\"/b\"]}",
            "{\"namespace\":\"tenant\"}", "{\"namespace\":\"é.x-1\"}", "{\"fields\":[]}", "{\"fields\":[\"A\",\"_B\",\"C_1\"]}",
            "{\"directory\":null,\"namespace\":\"x\"}", "{\"reader\":\"mapped\"}", "{\"reader\":\"libsystemd\"}",
            "{\"directory\":\"/\",\"fields\":[\"\(String(repeating: "A", count: 64))\"]}",
            "{\"namespace\":\"\(String(repeating: "n", count: 255))\"}",
        ])
    func `a good configuration makes a source`(json: String) throws {
        #expect(throws: Never.self) { try journalSource(json) }
    }

    @Test(
        arguments: [
            ("{\"directory\":\"/a\",\"files\":[\"/b\"]}", "directory, files, namespace: expected at most one of them"),
            ("{\"directory\":\"/a\",\"namespace\":\"n\"}", "directory, files, namespace: expected at most one of them"),
            ("{\"files\":[\"/a\"],\"namespace\":\"n\"}", "directory, files, namespace: expected at most one of them"),
            ("{\"directory\":\"a\"}", "directory: expected an absolute path"),
            ("{\"directory\":\"\"}", "directory: expected an absolute path"),
            ("{\"directory\":\"~/a\"}", "directory: expected an absolute path"),
            ("{\"files\":[]}", "files: expected a list of absolute paths"),
            ("{\"files\":[\"/a\",\"b\"]}", "files: expected a list of absolute paths"),
            ("{\"files\":[\"\"]}", "files: expected a list of absolute paths"),
            ("{\"namespace\":\"\"}", "namespace: expected the name of a journal namespace"),
            ("{\"namespace\":\"a/b\"}", "namespace: expected the name of a journal namespace"),
            ("{\"namespace\":\"a\\nb\"}", "namespace: expected the name of a journal namespace"),
            ("{\"namespace\":\"\(String(repeating: "n", count: 256))\"}", "namespace: expected the name of a journal namespace"),
            ("{\"fields\":[\"\"]}", "fields: expected a list of journal field names"),
            ("{\"fields\":[\"a\"]}", "fields: expected a list of journal field names"),
            ("{\"fields\":[\"A\",\"1A\"]}", "fields: expected a list of journal field names"),
            ("{\"fields\":[\"__CURSOR\"]}", "fields: expected a list of journal field names"),
            ("{\"fields\":[\"A-B\"]}", "fields: expected a list of journal field names"),
            ("{\"fields\":[\"Ä\"]}", "fields: expected a list of journal field names"),
            ("{\"fields\":[\"\(String(repeating: "A", count: 65))\"]}", "fields: expected a list of journal field names"),
            ("{\"reader\":\"\"}", "reader: expected mapped or libsystemd"),
            ("{\"reader\":\"Mapped\"}", "reader: expected mapped or libsystemd"),
            ("{\"direcotry\":\"/a\"}", "direcotry: unknown key; there are directory, files, namespace, fields and reader"),
            ("{\"Directory\":\"/a\"}", "Directory: unknown key; there are directory, files, namespace, fields and reader"),
        ])
    func `a bad configuration is refused, and the key named`(json: String, message: String) {
        let error = #expect(throws: PluginError.self) { try journalSource(json) }
        #expect(error?.code == .invalid)
        #expect(error?.message == message)
    }

    @Test(
        arguments: [
            ("{\"directory\":1}", ["directory"]), ("{\"files\":\"/a\"}", ["files"]), ("{\"files\":[1]}", ["files", "0"]),
            ("{\"namespace\":[]}", ["namespace"]), ("{\"fields\":{}}", ["fields"]), ("{\"fields\":[null]}", ["fields", "0"]),
            ("{\"reader\":1}", ["reader"]),
            ("[]", []), ("\"x\"", []),
        ])
    func `a value of the wrong type is an error that knows the key`(json: String, path: [String]) {
        let error = #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(JournalConfiguration.self, from: Data(json.utf8))
        }
        let found: [any CodingKey]? =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.codingPath
            default: nil
            }
        #expect(found?.map { $0.intValue.map { "\($0)" } ?? $0.stringValue } == path)
    }

    @Test func `nothing is opened before it is asked for`() throws {
        #expect(throws: Never.self) {
            let source = try journalSource("{\"directory\":\"/nowhere/at/all\"}")
            #expect(source.routes.map(\.path).contains("/v2/component/{name}"))
        }
    }
}
