/// The parameter `cursor`, which every dialect spells alike.
enum CursorParameter {
    /// Not given, or empty.
    case none
    case beginning
    case end
    /// A source's own cursor; only the source can tell whether it is well-formed.
    case opaque([UInt8])

    /// Tells a cursor's kind; throws a 400 naming `cursor` where its second percent-encoding is broken.
    static func parse(_ bytes: [UInt8]?) throws(Problem) -> CursorParameter {
        guard var bytes, !bytes.isEmpty else { return .none }
        // No cursor holds a percent sign of its own: where one is left, the client has encoded twice, as DC/OS's own did.
        if bytes.contains(UInt8(ascii: "%")) {
            guard let decoded = FormDecoding.decode(bytes, plusIsSpace: false) else {
                throw Problem(400, "The parameter cursor has a broken percent-encoding.", parameter: "cursor")
            }
            bytes = decoded
        }
        return bytes.elementsEqual("BEG".utf8) ? .beginning : bytes.elementsEqual("END".utf8) ? .end : .opaque(bytes)
    }
}
