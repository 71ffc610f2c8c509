import AuthToken
import Foundation
import PluginKit
import Testing

struct ConfigurationTests {
    private static func plugin(_ json: String) throws -> TokenPlugin {
        let configuration = try JSONDecoder().decode(TokenConfiguration.self, from: Data(json.utf8))
        return try TokenPlugin(configuration: configuration, host: Host(name: "token"))
    }

    private static func mistake(_ json: String) -> String {
        do {
            _ = try Self.plugin(json)
            return "none"
        } catch {
            return (error as? PluginError)?.message ?? "\(error)"
        }
    }

    @Test func `its name is its library's`() {
        #expect(TokenPlugin.name == "auth-token")
    }

    @Test(arguments: [
        ("{}", "file, principals: expected exactly one of them"),
        (#"{"file": "/x", "principals": [{"name": "a", "uid": 0}]}"#, "file, principals: expected exactly one of them"),
        (#"{"file": "tokens.yaml"}"#, "file: expected an absolute path"), (#"{"files": "/x"}"#, "files: unknown key; there are"),
        (#"{"file": "/x", "unknown_tokens": "ignore"}"#, "unknown_tokens: expected refuse or abstain"),
        (#"{"principals": []}"#, "principals: expected 1 to 10000 of them"),
        (#"{"principals": [{"name": "a", "uid": "0"}]}"#, "principals[0].uid: expected a user number"),
        (#"{"principals": [{"name": "a", "uid": 0, "x": 1}]}"#, "principals[0]: unknown key \"x\"; there are name,"),
        (#"{"principals": [{"name": 5, "uid": 0}]}"#, "principals[0].name: expected a name"),
        (#"{"principals": [{"name": "a", "uid": 0, "routes": null}]}"#, "principals[0].routes: expected a route"),
    ])
    func `a mistake names its key`(json: String, expected: String) {
        let mistake = Self.mistake(json)
        #expect(mistake.hasPrefix(expected), "\(mistake)")
    }

    @Test func `principals can stand in the configuration itself`() throws {
        let json = """
            {"unknown_tokens": "abstain", "principals": [
                {"name": "a", "sha256": ["\(Known.one)"], "gid": 4, "units": "x.service", "filter": {"_UID": ["0", "1"]}}]}
            """
        let plugin = try Self.plugin(json)
        let authorizer = try #require(plugin.authorizer)
        let decision = try #require(authorizer.decide(request("Bearer token-one")))
        #expect(decision.principal == "a")
        #expect(decision.filter.clauses == [[Match("_SYSTEMD_UNIT", "x.service")], [Match("_UID", "0"), Match("_UID", "1")]])
        #expect(authorizer.decide(request("Bearer x"))?.verdict == .abstain)
        try plugin.start()
        plugin.stop()
    }

    @Test func `a file is opened at the start and not before`() throws {
        let plugin = try Self.plugin(#"{"file": "/nonexistent/tokens.yaml"}"#)
        #expect(plugin.authorizer?.decide(request("Bearer token-one"))?.verdict == .cannotDecide)
        #expect(throws: PluginError(.invalid, "file: there is no such file", detail: "/nonexistent/tokens.yaml")) {
            try plugin.start()
        }
        plugin.stop()
    }
}
