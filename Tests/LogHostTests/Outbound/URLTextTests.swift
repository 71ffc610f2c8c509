import LogHost
import Testing

@Suite struct URLTextTests {
    @Test(arguments: [
        ("http://a.example/b?c=%41{|}", "http://a.example/b?c=%41%7B%7C%7D"),
        ("http://[::1]:80/[x]?[y]", "http://[::1]:80/%5Bx%5D?%5By%5D"),
        ("//[::1]/[", "//[::1]/%5B"), ("https://[::1]?[", "https://[::1]?%5B"), ("/a//[", "/a//%5B"),
        ("/a?b=%zz%4%", "/a?b=%25zz%254%25"), ("/-._~:/?#@!$&'()*+,;=%2f", "/-._~:/?#@!$&'()*+,;=%2f"), ("", ""),
    ])
    func `only what may not stand in a URL is encoded`(text: String, encoded: String) {
        #expect(encodedURL(text) == encoded)
    }
}
