import AuthIAM
import FoundationEssentials
import Glibc
import PluginKit
import Testing

func configuration(_ json: String) throws -> IAMConfiguration {
    try JSONDecoder().decode(IAMConfiguration.self, from: Data(json.utf8))
}

/// What may stand under `config`.
struct ConfigurationTests {
    @Test(
        arguments: [
            "https://master.example", "https://master.example/", "https://10.0.0.1:8443", "https://[fd00::1]:443",
            "https://[::1]",
            "http://127.0.0.1:8101", "http://127.1.2.3", "http://localhost:8101", "http://[::1]:8101/",
        ])
    func `the IAM is somewhere over https, or here`(url: String) throws {
        #expect(try configuration(#"{"iam":"\#(url)","mode":"open"}"#).server.isSecure == url.hasPrefix("https"))
    }

    @Test(
        arguments: [
            "http://master.example", "http://10.0.0.1:8101", "http://127.0.0.1.example", "http://127.evil.example",
            "http://127.0.0",
            "http://127.0.0.+1", "http://0.0.0.0:8101", "http://[fd00::1]", "http://localhost.example", "HTTP://10.0.0.1",
            "https://", "https://user@master", "https://user:pass@master", "http://127.0.0.1@evil.example", "https://master/path",
            "https://master//", "https://master?x", "https://master#x", "https://mas ter", "https://master:", "https://master:0",
            "https://master:65536", "https://master:+1", "https://master:8x", "https://[::1", "https://[::1]x", "https://[]",
            "master", "ftp://master", "unix:/run/iam", "", #"https://master\\n"#, "https://mäster",
        ])
    func `anything else is refused by name`(url: String) {
        let error = #expect(throws: PluginError.self) { try configuration(#"{"iam":"\#(url)","mode":"open"}"#) }
        #expect(error?.message.hasPrefix("iam: ") == true)
    }

    static let mistakes: [(String, String)] = [
        ("", "iam: missing"),
        (#""iam":"https://m""#, "mode: missing"),
        (#""iam":"https://m","mode":"Open""#, "mode: expected open or enterprise"),
        (#""iam":"https://m","mode":"open","leeway":5"#, "leeway: unknown key"),
        (#""iam":"https://m","mode":"open","ca_file":"ca.pem""#, "ca_file: expected the absolute path"),
        (#""iam":"http://127.0.0.1","mode":"open","ca_file":"/ca.pem""#, "ca_file: has a meaning with an https"),
        (#""iam":"https://m","mode":"open","hs256_secret_file":"""#, "hs256_secret_file: expected the absolute path"),
        (#""iam":"https://m","mode":"open","role":"worker""#, "role: expected master, agent or agent_public"),
        (#""iam":"https://m","mode":"open","rids":{"/":["a"]}"#, "rids: an open IAM has no permissions"),
        (#""iam":"https://m","mode":"open","superuser":"a""#, "superuser: an open IAM"),
        (
            #""iam":"https://m","mode":"open","service_account":{"uid":"a","private_key_file":"/k"}"#,
            "service_account: an open IAM"
        ),
        (#""iam":"https://m","mode":"enterprise","superuser":"""#, "superuser: expected a resource id"),
        (#""iam":"https://m","mode":"enterprise","rids":{"v1":["a"]}"#, "rids: expected prefixes"),
        (#""iam":"https://m","mode":"enterprise","rids":{"/v1//x":["a"]}"#, "rids: expected prefixes"),
        (#""iam":"https://m","mode":"enterprise","rids":{"/v1/../x":["a"]}"#, "rids: expected prefixes"),
        (#""iam":"https://m","mode":"enterprise","rids":{"/v1%2Fx":["a"]}"#, "rids: expected prefixes"),
        (#""iam":"https://m","mode":"enterprise","rids":{"/v1":["a b"]}"#, "rids./v1: expected a list"),
        (#""iam":"https://m","mode":"enterprise","rids":{"/v1":["a"],"/v1/":["b"]}"#, "rids./v1/: the same prefix"),
        (#""iam":"https://m","mode":"enterprise","service_account":{"private_key_file":"/k"}"#, "service_account.uid: expected"),
        (#""iam":"https://m","mode":"enterprise","service_account":{"uid":"a"}"#, "service_account.private_key_file: expected"),
        (
            #""iam":"https://m","mode":"enterprise","service_account":{"uid":"a","private_key_file":"/k","password":"x"}"#,
            "service_account.password: unknown key"
        ),
    ]

    @Test(arguments: mistakes)
    func `an error names its key`(members: String, message: String) {
        let error = #expect(throws: PluginError.self) { try configuration("{\(members)}") }
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
    }

    @Test(
        arguments: [
            ("", "the file is empty"), ("\n", "the file is empty"), ("short", "expected at least 32 bytes"),
            ("-----BEGIN PUBLIC KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", "found a key or certificate in PEM"),
            (String(repeating: "x", count: 4097), "larger than 4096 bytes"),
        ])
    func `a shared secret is one`(text: String, message: String) async throws {
        try await withTemporaryFile(text) { file in
            Self.expectNoStart(
                #"{"iam":"https://m","mode":"open","hs256_secret_file":"\#(file)"}"#, "hs256_secret_file: ", message)
        }
    }

    @Test(arguments: [mode_t(0o640), 0o604, 0o660, 0o620, 0o601])
    func `a secret that others can use is refused`(mode: mode_t) async throws {
        try await withTemporaryFile(String(repeating: "x", count: 64), mode: mode) { file in
            Self.expectNoStart(
                #"{"iam":"https://m","mode":"open","hs256_secret_file":"\#(file)"}"#, "hs256_secret_file: ", "others can use")
        }
        let key = try TestKey.first.get().pem
        try await withTemporaryFile(key, mode: mode) { file in
            let account = #"{"uid":"a","private_key_file":"\#(file)"}"#
            Self.expectNoStart(
                #"{"iam":"https://m","mode":"enterprise","service_account":\#(account)}"#, "service_account.private_key_file: ",
                "others can use")
        }
    }

    @Test func `a file that is not there or no file is refused, without its path`() async throws {
        for (path, message) in [
            ("/nonexistent/secret", "cannot be opened"), ("/dev", "regular file"), ("/dev/null", "regular file"),
        ] {
            Self.expectNoStart(
                #"{"iam":"https://m","mode":"open","hs256_secret_file":"\#(path)"}"#, "hs256_secret_file: ", message)
        }
        Self.expectNoStart(#"{"iam":"https://m","mode":"open","ca_file":"/nonexistent/ca"}"#, "ca_file: ", "cannot be opened")
        try await withTemporaryFile("no key") { file in
            let account = #"{"uid":"a","private_key_file":"\#(file)"}"#
            Self.expectNoStart(
                #"{"iam":"https://m","mode":"enterprise","service_account":\#(account)}"#, "service_account.private_key_file: ",
                "expected an RSA key")
        }
    }

    private static func expectNoStart(_ json: String, _ key: String, _ message: String) {
        let error = #expect(throws: PluginError.self) {
            let plugin = try IAMPlugin(configuration: configuration(json), host: Host(name: "iam"))
            defer { plugin.stop() }
            try plugin.start()
        }
        #expect(error?.message.hasPrefix(key) == true && error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("/nonexistent") != true && error?.message.contains("/tmp") != true)
    }

    @Test func `its name is its library's`() {
        #expect(IAMPlugin.name == "auth-iam")
    }
}
