/// Where a request belongs in a trace that somebody else has begun: the `traceparent` field of W3C Trace Context.
package struct TraceContext: Equatable {
    /// 32 hexadecimal digits.
    package let traceID: String
    /// The caller's span: 16 hexadecimal digits.
    package let parentID: String

    /// Reads a field's value; nil for what the recommendation calls invalid.
    package init?(_ field: String) {
        let bytes = Array(field.utf8)
        guard bytes.count >= 55, bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash else { return nil }
        // Later versions may add something behind another dash; `ff` is none.
        let version = bytes[0..<2]
        guard !version.elementsEqual("ff".utf8), bytes.count == 55 || !version.elementsEqual("00".utf8) && bytes[55] == Self.dash
        else { return nil }
        let parts = [version, bytes[3..<35], bytes[36..<52], bytes[53..<55]]
        guard parts.allSatisfy({ $0.allSatisfy(Self.isDigit) }) else { return nil }
        let zero = UInt8(ascii: "0")
        guard parts[1].contains(where: { $0 != zero }), parts[2].contains(where: { $0 != zero }) else { return nil }
        self.traceID = String(decoding: parts[1], as: UTF8.self)
        self.parentID = String(decoding: parts[2], as: UTF8.self)
    }

    private static let dash = UInt8(ascii: "-")

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
