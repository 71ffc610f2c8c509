import LogHost
internal import TestSupport
import Testing

@Suite struct NegotiationTests {
    static let offers = [
        Negotiation.Offer(name: "text", mediaTypes: ["text/plain", "text/html"]),
        Negotiation.Offer(name: "json", mediaTypes: ["application/json"]),
        Negotiation.Offer(name: "sse", mediaTypes: ["text/event-stream"]),
    ]

    @Test(
        arguments: [
            ([], "text"), ([""], "text"), ([" , ,"], "text"), (["*/*"], "text"), (["text/plain"], "text"),
            (["text/html"], "text"),
            (["application/json"], "json"), (["text/event-stream"], "sse"), (["TEXT/Event-Stream"], "sse"),
            (["application/*"], "json"),
            (["text/*"], "text"), (["text/html,application/xhtml+xml,*/*;q=0.8"], "text"),
            (["application/json, text/plain"], "json"), (["text/plain, application/json"], "text"),
            (["application/json", "text/plain"], "json"), (["application/json;q=0.5, text/plain;q=0.6"], "text"),
            (["application/json;q=0.5, */*;q=0.4"], "json"), (["text/*, application/json"], "json"),
            (["*/*, text/event-stream"], "sse"),
            (["text/plain;q=0, */*"], "json"), (["text/plain;q=0, text/*"], "sse"), (["text/plain;q=0, text/html"], "text"),
            (["text/html;q=0, */*"], "text"), (["text/plain;q=0.1, */*;q=0.8"], "json"),
            (["image/png, application/json;q=0.001"], "json"),
            (["application/json;version=1"], "json"), (["application/json;version=\"a,b;q=0\";q=0.3, text/plain;q=0.2"], "json"),
            (["application/json ; q=0.3 , text/plain ; Q=0.4"], "text"), (["garbage, application/json"], "json"),
            (["garbage"], "text"), (["*/json"], "text"), (["text/plain;q=2"], "text"), (["a/b/c, /, text/"], "text"),
            (["application/json;q=1.001, text/event-stream"], "sse"), (["application/json;q=, text/event-stream"], "sse"),
            (["application/json;q=0.1234, text/event-stream;q=0.1"], "sse"), (["\"application/json, text/event-stream"], "text"),
            (["application/json;q=1.000, text/plain;q=0.999"], "json"),
        ])
    func `the client's preference chooses`(accept: [String], name: String) throws {
        let index = try Negotiation.choose(accept: accept, format: nil, offers: Self.offers)
        #expect(Self.offers[index].name == name)
    }

    @Test(
        arguments: [
            ["image/png"], ["application/xml;q=1, text/x"], ["*/*;q=0"], ["text/*;q=0, application/*;q=0"],
            ["application/json;q=0"],
            ["garbage, image/png"],
        ])
    func `a type that no offer has is 406 and the answer lists those there are`(accept: [String]) {
        let problem = #expect(throws: Problem.self) { try Negotiation.choose(accept: accept, format: nil, offers: Self.offers) }
        #expect(problem?.status == 406)
        #expect(problem?.candidates == ["text/plain", "text/html", "application/json", "text/event-stream"])
    }

    @Test func `format wins over Accept and an empty one is none`() throws {
        #expect(try Negotiation.choose(accept: ["image/png"], format: "sse", offers: Self.offers) == 2)
        #expect(try Negotiation.choose(accept: ["application/json"], format: "", offers: Self.offers) == 1)
    }

    @Test(arguments: ["xml", "JSON", " json"])
    func `an unknown format is 400 and names those there are`(format: String) {
        let problem = #expect(throws: Problem.self) { try Negotiation.choose(accept: [], format: format, offers: Self.offers) }
        #expect(problem?.status == 400)
        #expect(problem?.parameter == "format")
        #expect(problem?.detail.contains("text, json, sse") == true)
    }

    @Test func `nothing on offer is 406 and never an index`() {
        for accept in [[], ["*/*"], ["garbage"]] {
            #expect(throws: Problem.self) { try Negotiation.choose(accept: accept, format: nil, offers: []) }
        }
    }

    @Test func `only the first hundred elements count`() throws {
        let many = Array(repeating: "image/png", count: 99)
        #expect(try Negotiation.choose(accept: many + ["application/json"], format: nil, offers: Self.offers) == 1)
        #expect(throws: Problem.self) {
            try Negotiation.choose(accept: many + ["image/gif", "application/json"], format: nil, offers: Self.offers)
        }
    }

    @Test func `no header traps`() {
        var random = SeededInputs(state: 11)
        let pieces = [
            "text", "*", "/", ";", "q", "=", "0", ".", "1", ",", " ", "\"", "\\", "plain", "json", "application", "\u{0}", "ü",
        ]
        for _ in 0..<10_000 {
            let accept = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                (0..<Int.random(in: 0...20, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            }
            do {
                let index = try Negotiation.choose(accept: accept, format: nil, offers: Self.offers)
                #expect(Self.offers.indices.contains(index))
            } catch {
                #expect(error.status == 406)
            }
        }
    }
}
