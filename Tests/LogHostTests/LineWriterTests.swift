internal import Glibc
internal import LogHost
internal import Testing

@Suite struct LineWriterTests {
    @Test func `whoever writes does not wait for who reads, and what was taken arrives in order`() async throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        let writer = LineWriter(descriptor: writing)
        var taken: [UInt8] = []
        var refused = 0
        for number in 0..<100_000 {
            let line = Array("line \(number) \(String(repeating: "x", count: 40))\n".utf8)
            if writer.write(line) { taken += line } else { refused += 1 }
        }
        #expect(refused > 0)
        #expect(taken.count > 1 << 20)
        var arrived: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while arrived.count < taken.count {
            let count = unsafe read(reading, &buffer, buffer.count)
            try #require(count > 0)
            arrived += buffer[..<count]
        }
        #expect(arrived == taken)
        #expect(writer.write(Array("again\n".utf8)))
        writer.flush(within: .seconds(20))
        let count = unsafe read(reading, &buffer, buffer.count)
        #expect(String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self) == "again\n")
        close(reading)
        close(writing)
    }
}
