import Glibc
import PluginABI
import PluginKit
import Synchronization
internal import TestSupport
import Testing

/// Batches that are read ahead are the batches that are read.
@Suite struct BatchReaderTests {
    private static let limits = ReadLimits(entries: 64, bytes: 1_000)

    @Test func `whatever the timing, everything comes once and in order`() throws {
        var readAhead = 0
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededInputs(state: seed)
            let script = Script(&random)
            let reader = BatchReader(ScriptedReader(script))
            var said: [Int] = []
            while true {
                let step = Result { try reader.read(Self.limits) }
                // The batch must outlast what is read meanwhile.
                if random.next() % 4 == 0 { Thread.pause() }
                switch step {
                case .success(.batch): said += Self.numbers(reader)
                case .success(.gap(let gap)): said.append(-Int(gap.count ?? 0))
                case .success(.end): break
                case .success(.caughtUp), .success(.pending): script.reveal()
                case .failure(let error): said.append(try #require(error as? Script.Failure).number)
                }
                if case .success(.end) = step { break }
                if random.next() % 50 == 0, seed % 4 == 0 { break }
            }
            reader.end()
            let atEnd = script.calls
            #expect(said == Array(script.all.prefix(said.count)), "seed \(seed)")
            if seed % 4 != 0 { #expect(said == script.all, "seed \(seed)") }
            Thread.pause()
            #expect(script.calls == atEnd, "seed \(seed)")
            #expect(!script.hasOverlapped, "seed \(seed)")
            readAhead += script.threads - 1
        }
        #expect(readAhead > 0, "nothing was ever read on another thread")
    }

    @Test func `what has come since is not passed over`() throws {
        let script = Script(of: 100)
        let reader = BatchReader(ScriptedReader(script))
        var said: [Int] = []
        script.reveal(40)
        while said.count < 40 {
            guard case .batch = try reader.read(Self.limits) else { continue }
            said += Self.numbers(reader)
            Thread.pause()
        }
        // Meanwhile it was read that there is nothing more.
        script.reveal(100)
        guard case .batch = try reader.read(Self.limits) else {
            Issue.record("it says that there is nothing new")
            return
        }
        said += Self.numbers(reader)
        #expect(said == Array(1...said.count) && said.count > 40)
        reader.end()
    }

    /// The numbers in the cursors of the last batch.
    private static func numbers(_ reader: BatchReader) -> [Int] {
        let (entries, count) = unsafe reader.entries()
        return unsafe UnsafeBufferPointer(start: entries, count: count).map { entry in
            unsafe Int(
                String(decoding: UnsafeBufferPointer(start: entry.cursor.data, count: Int(entry.cursor.size)), as: UTF8.self))
                ?? 0
        }
    }
}

private enum Thread {
    static func pause() { usleep(200) }
}
