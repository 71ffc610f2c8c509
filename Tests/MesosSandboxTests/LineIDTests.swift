import MesosSandbox
import Testing

/// Ids of lines.
struct LineIDTests {
    @Test func `an id is an offset, alone or with a fingerprint`() {
        #expect(LineID(Array("0".utf8)) == LineID(offset: 0, fingerprint: nil))
        #expect(LineID(Array("1234~89abcdef".utf8)) == LineID(offset: 1234, fingerprint: 0x89AB_CDEF))
        for id in [LineID(offset: 7, fingerprint: nil), LineID(offset: .init(Int64.max), fingerprint: 1)] {
            #expect(LineID(id.bytes) == id)
        }
    }

    @Test(arguments: ["9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999"])
    func `what is beyond any file is as far as files go`(text: String) {
        #expect(LineID(Array(text.utf8)) == LineID(offset: .init(Int64.max), fingerprint: nil))
    }

    @Test(arguments: ["", "~", "x", "-1", "+1", "1~", "1~89abcde", "1~89ABCDEF", "1~89abcdef0", "999999999999999999999", "1 "])
    func `anything else is none`(text: String) {
        #expect(LineID(Array(text.utf8)) == nil)
    }
}
