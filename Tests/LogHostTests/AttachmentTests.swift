import LogHost
import Testing

@Suite struct AttachmentTests {
    @Test(
        arguments: [
            ("root-range{-postfix}.log.gz", nil, "root-range.log.gz"),
            ("root-range{-postfix}.log.gz", "x", "root-range-x.log.gz"),
            ("root-range{-postfix}.log.gz", "", "root-range-.log.gz"), ("task-{id}{-postfix}.log.gz", "p", "task-c1-p.log.gz"),
            ("{id}{id}{b}", nil, "c1c1{}"), ("{none}", nil, "{none}"), ("plain", "x", "plain"), ("", "x", ""),
            ("a/{id}{-postfix}", "../x", "a_c1-.._x"),
        ] as [(String, String?, String)])
    func `a file name is filled in`(template: String, postfix: String?, expected: String) {
        let name = Attachment.fileName(template: template, variables: [("id", "c1"), ("b", "{}")], postfix: postfix)
        #expect(name == expected)
    }

    @Test func `what a value holds is not filled in again`() {
        let name = Attachment.fileName(template: "{a}{-postfix}", variables: [("a", "{b}"), ("b", "x")], postfix: "{a}")
        #expect(name == "{b}-{a}")
    }

    @Test(arguments: ["root-range.log.gz", "a", "task-1_2.log", "!#$%&'*+-.^_`|~", "AZaz09"])
    func `a token stands without quotes`(name: String) {
        #expect(Attachment.header(fileName: name) == "attachment; filename=\(name)")
    }

    @Test(
        arguments: [
            ("", "\"\"", ""), ("a b", "\"a b\"", "a%20b"), ("a\"b", "\"a\\\"b\"", "a%22b"), ("a\\b", "\"a\\\\b\"", "a%5Cb"),
            ("é", "\"_\"", "%C3%A9"), ("a/b", "\"a/b\"", "a%2Fb"), ("😀.log", "\"_.log\"", "%F0%9F%98%80.log"),
            ("a;b", "\"a;b\"", "a%3Bb"),
            ("a=b", "\"a=b\"", "a%3Db"), ("a'(b)*% ", "\"a'(b)*% \"", "a%27%28b%29%2A%25%20"), ("a\r\nb", "\"a__b\"", "a%0D%0Ab"),
            ("\u{0}\u{7F}", "\"__\"", "%00%7F"), ("a,b", "\"a,b\"", "a%2Cb"),
            ("<>@[]?{}:", "\"<>@[]?{}:\"", "%3C%3E%40%5B%5D%3F%7B%7D%3A"),
            ("e\u{301}", "\"e_\"", "e%CC%81"),
        ])
    func `any other name is quoted, and given whole as filename*`(name: String, quoted: String, encoded: String) {
        #expect(Attachment.header(fileName: name) == "attachment; filename=\(quoted); filename*=UTF-8''\(encoded)")
    }

    @Test func `no name ends the header or leaves ASCII`() {
        for scalar in (0..<0x3000 as Range<UInt32>).compactMap(Unicode.Scalar.init) {
            let header = Attachment.header(fileName: "a\(scalar)b")
            #expect(header.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "U+\(String(scalar.value, radix: 16))")
        }
    }
}
