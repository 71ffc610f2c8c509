import LogHost
import Testing

@Suite struct QueryItemsTests {
    @Test(
        arguments: [
            ("a=1", ["1"]), ("a=1&b=2&a=3", ["1", "3"]), ("a", [""]), ("a=", [""]), ("a=b=c", ["b=c"]), ("a=x+y", ["x y"]),
            ("a=x%2By", ["x+y"]), ("a=s;i=1", ["s;i=1"]), ("%61=1", ["1"]), ("&&a=1&&", ["1"]), ("A=1", []), ("", []),
            ("=1", []), ("a=%e2%82%AC", ["€"]), ("a=%00", ["\u{0}"]), ("a=1%26b=2", ["1&b=2"]),
        ])
    func `a query is split and decoded once`(raw: String, values: [String]) throws {
        let items = try QueryItems(raw)
        #expect(items.all("a") == values)
        #expect(items.first("a") == values.first)
    }

    @Test(
        arguments: [
            ("a=%", "a"), ("a=%4", "a"), ("a=%zz", "a"), ("a=1&b=%g0", "b"), ("cursor=%%41", "cursor"),
            ("limit=%ff", "limit"), ("cursor=%c3", "cursor"), ("skip=%ed%a0%80", "skip"), ("filter=%", "filter"),
            ("%zz=1", "%zz"), ("a=%+1", "a"),
        ])
    func `what cannot be decoded is refused by name`(raw: String, parameter: String) {
        let problem = #expect(throws: Problem.self) { try QueryItems(raw) }
        #expect(problem?.status == 400)
        #expect(problem?.parameter == parameter)
        #expect(problem?.detail.contains(parameter) == true)
    }

    @Test func `of unknown parameters nothing is asked but their encoding`() throws {
        #expect(try QueryItems("unknown=%ff&%ff=1&limit=2").first("limit") == "2")
    }

    @Test func `a filter may hold any bytes`() throws {
        let items = try QueryItems("filter=A:%ff&filter=B:%00")
        #expect(items.allBytes("filter") == [[0x41, 0x3a, 0xff], [0x42, 0x3a, 0x00]])
        #expect(items.firstBytes("filter") == [0x41, 0x3a, 0xff])
        #expect(items.first("filter") == "A:\u{FFFD}")
    }

    @Test func `a thousand parameters are read and no more`() throws {
        let thousand = Array(repeating: "a=1", count: 1000).joined(separator: "&")
        #expect(try QueryItems(thousand).all("a").count == 1000)
        #expect(throws: Problem.self) { try QueryItems(thousand + "&a=1") }
    }

    @Test(arguments: ["%0a=%", String(repeating: "n", count: 65) + "=%", "=%"])
    func `a name that is long or unprintable is not echoed`(raw: String) {
        let problem = #expect(throws: Problem.self) { try QueryItems(raw) }
        #expect(problem?.status == 400)
        #expect(problem?.parameter == nil)
        #expect((problem?.detail.utf8.count ?? .max) < 64)
    }
}
