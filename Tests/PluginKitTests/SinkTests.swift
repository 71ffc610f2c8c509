import PluginKit
internal import TestSupport
import Testing

@Suite struct SinkTests {
    @Test func `what is written is what is collected`() {
        let (bytes, result) = Sink.collect(capacity: 64) { sink in
            #expect(sink.free == 64)
            sink.append(UInt8(ascii: "a"))
            sink.append("bc€")
            unsafe sink.append(Array("def".utf8).span.bytes)
            unsafe sink.append([UInt8]().span.bytes)
            sink.append("")
            sink.append(decimal: 10)
            #expect(sink.count == 11)
            #expect(sink.free == 53)
            return "result"
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "abc€def10")
        #expect(result == "result")
    }

    @Test func `a sink can be filled to the last byte`() {
        let (bytes, _) = Sink.collect(capacity: 4) { sink in
            sink.append("ab")
            unsafe sink.append(([1, 2] as [UInt8]).span.bytes)
            #expect(sink.free == 0)
        }
        #expect(bytes == [97, 98, 1, 2])
    }

    @Test func `every number of digits`() {
        var numbers: [UInt64] = [0, .max, .max - 1]
        var power: UInt64 = 1
        for _ in 0..<20 {
            numbers += [power - 1, power, power + 1]
            power = power.multipliedReportingOverflow(by: 10).partialValue
        }
        var random = SeededInputs(state: 3)
        numbers += (0..<1_000).map { _ in random.next() >> UInt64.random(in: 0...63, using: &random) }
        for number in numbers {
            let (bytes, _) = Sink.collect(capacity: 20) { $0.append(decimal: number) }
            #expect(String(decoding: bytes, as: UTF8.self) == String(number))
        }
    }

    @Test func `lent memory is all that is free, and what was written there counts`() {
        let (bytes, _) = Sink.collect(capacity: 8) { sink in
            sink.append("ab")
            unsafe sink.withUnsafeFreeBytes { memory in
                #expect(memory.count == 6)
                unsafe memory[0] = 1
                unsafe memory[1] = 2
                return 2
            }
            sink.append(3)
        }
        #expect(bytes == [97, 98, 1, 2, 3])
    }

    @Test func `what collecting throws comes through`() {
        struct Stop: Error {}
        #expect(throws: Stop.self) { try Sink.collect(capacity: 1) { _ in throw Stop() } }
    }

    @Test func `writing beyond the end is a trap and no memory fault`() async {
        await #expect(processExitsWith: .failure) {
            _ = Sink.collect(capacity: 2) { $0.append("abc") }
        }
        await #expect(processExitsWith: .failure) {
            _ = Sink.collect(capacity: 2) { unsafe $0.append(([1, 2, 3] as [UInt8]).span.bytes) }
        }
        await #expect(processExitsWith: .failure) {
            _ = Sink.collect(capacity: 19) { $0.append(decimal: 1) }
        }
        await #expect(processExitsWith: .failure) {
            _ = Sink.collect(capacity: 2) { unsafe $0.withUnsafeFreeBytes { _ in 3 } }
        }
    }
}
