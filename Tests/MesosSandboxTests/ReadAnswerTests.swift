import MesosSandbox
import Testing

/// The agent's answer to a read, whose data is bytes and no text.
struct ReadAnswerTests {
    private static func answer(_ data: [UInt8], offset: String = "5") -> [UInt8] {
        Array(#"{"data":""#.utf8) + data + Array("\",\"offset\":\(offset)}".utf8)
    }

    @Test func `every byte comes back, as it is and escaped`() {
        for byte in UInt8.min...UInt8.max {
            let digits = Array("0123456789abcdef".utf8)
            let escaped = Array(#"\u00"#.utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            #expect(ReadAnswer(Self.answer([0x61] + escaped + [0x62]))?.data == [0x61, byte, 0x62])
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { continue }
            #expect(ReadAnswer(Self.answer([byte]))?.data == [byte])
        }
        #expect(ReadAnswer(Self.answer(Array(#"\n\t\r\b\f\"\\\/"#.utf8)))?.data == [10, 9, 13, 8, 12, 34, 92, 47])
    }

    @Test func `a probe has no data and the size`() {
        #expect(ReadAnswer(Self.answer([], offset: "4096"))?.offset == 4_096)
        #expect(ReadAnswer(Array(#"{"offset": 3, "data": "x"}"#.utf8))?.data == [UInt8(ascii: "x")])
    }

    @Test(
        arguments: [
            "", "{}", "null", #"{"data":"x"}"#, #"{"offset":1}"#, #"{"data":"x","offset":1"#, #"{"data":"x\","offset":1}"#,
            #"{"data":"\u0100","offset":1}"#, #"{"data":"\x","offset":1}"#, #"{"data":"\u00","offset":1}"#,
            #"{"data":"x","offset":1}x"#, #"{"data":"x","data":"y","offset":1}"#, #"{"data":"x","offset":1.5}"#,
        ])
    func `what is no such answer is none`(text: String) {
        #expect(ReadAnswer(Array(text.utf8)) == nil)
    }
}
