import LogHost
import Testing

@Suite struct RequestPathTests {
    @Test(
        arguments: [
            ("/", [""]), ("/a", ["a"]), ("/a/", ["a", ""]), ("/a/b", ["a", "b"]), ("//", ["", ""]), ("/a//b", ["a", "", "b"]),
            ("/%61%62", ["ab"]), ("/a%2Fb/c", ["a/b", "c"]), ("/a%2fb", ["a/b"]), ("/%C3%A9", ["é"]), ("/é", ["é"]),
            ("/a+b", ["a+b"]),
            ("/%25", ["%"]), ("/%2541", ["%41"]), ("/%20", [" "]), ("/..", [".."]), ("/%2E%2E/", ["..", ""]),
            ("/a;b=c", ["a;b=c"]),
            ("/%F0%9F%98%80", ["😀"]), ("/a:b@c", ["a:b@c"]), ("/%7E", ["~"]), ("/%c2%80", ["\u{80}"]), ("/%3F", ["?"]),
        ])
    func `a path is split and then decoded`(path: String, segments: [String]) throws {
        let parsed = try RequestPath(path)
        #expect(parsed.segments == segments)
        #expect(parsed.text == path)
    }

    @Test(
        arguments: [
            ("/system/v1/logs/v2/component", "/v2/component"), ("/system/v1/logs/", "/"),
            ("/system/v1/logs/v1/range/", "/v1/range/"),
            ("/system/v1/logs", "/system/v1/logs"), ("/system/v1/logsx", "/system/v1/logsx"),
            ("/system/v1/log/a", "/system/v1/log/a"),
            ("/system/v1/logs/system/v1/logs/a", "/system/v1/logs/a"), ("/system/v1/logs%2Fa", "/system/v1/logs%2Fa"),
            ("/System/v1/logs/a", "/System/v1/logs/a"), ("/system/v1/logs//a", "//a"),
            ("/a/system/v1/logs/b", "/a/system/v1/logs/b"),
        ])
    func `the gateways' prefix is taken off once`(path: String, text: String) throws {
        #expect(try RequestPath(path).text == text)
    }

    @Test(
        arguments: [
            "", "a", "a/b", "*", "%2Fa", "system/v1/logs/a",
        ])
    func `a path begins with a slash`(path: String) {
        Self.expect400(path, "The path must begin with a slash.")
    }

    @Test(
        arguments: [
            "/%", "/a%", "/%4", "/%zz", "/%4z", "/%z4", "/%%41", "/%+1", "/% 1", "/a/%/b", "/%2", "/%u0041", "/%é1", "/%-1",
        ])
    func `broken percent-encoding is 400`(path: String) {
        Self.expect400(path, "The path has a broken percent-encoding.")
    }

    @Test(arguments: ["/%FF", "/%C3", "/%C3/%A9", "/%ED%A0%80", "/%C0%80", "/%F4%90%80%80", "/a%80b"])
    func `bytes that are no text are 400`(path: String) {
        Self.expect400(path, "The path is not UTF-8.")
    }

    @Test func `every control character is 400, encoded or not, and no other of ASCII`() throws {
        for byte in UInt8(0)...0x7F {
            let hex = "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            guard byte < 0x20 || byte == 0x7F else {
                #expect(try RequestPath("/a\(hex)b").segments == ["a\(Character(Unicode.Scalar(byte)))b"])
                continue
            }
            for text in [hex, hex.uppercased(), String(Character(Unicode.Scalar(byte)))] {
                Self.expect400("/a\(text)b/c", "The path has a control character.")
            }
        }
    }

    private static func expect400(_ path: String, _ detail: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let problem = #expect(throws: Problem.self, sourceLocation: sourceLocation) { try RequestPath(path) }
        #expect(problem?.status == 400, sourceLocation: sourceLocation)
        #expect(problem?.detail == detail, sourceLocation: sourceLocation)
    }
}
