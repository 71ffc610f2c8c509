import LogHost
import Testing

@Suite struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test(arguments: [
        "00-\(trace)-\(span)-01", "00-\(trace)-\(span)-00", "01-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01-more",
    ])
    func `a trace's and a span's id are read`(field: String) {
        let context = TraceContext(field)
        #expect(context?.traceID == Self.trace)
        #expect(context?.parentID == Self.span)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-01-more", "cc-\(trace)-\(span)-01more", "ff-\(trace)-\(span)-01",
        "00-\(trace.uppercased())-\(span)-01", "00-\(trace.dropLast())g-\(span)-01", "00_\(trace)-\(span)-01",
        "00-\(String(repeating: "0", count: 32))-\(span)-01", "00-\(trace)-\(String(repeating: "0", count: 16))-01",
        "00-\(trace)-\(span)-0x", " 00-\(trace)-\(span)-01",
    ])
    func `what the recommendation calls invalid is none`(field: String) {
        #expect(TraceContext(field) == nil)
    }
}
