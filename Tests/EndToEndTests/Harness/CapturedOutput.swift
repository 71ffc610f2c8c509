internal import Synchronization

/// What a process has said: the beginning of it, and all of it read, so that it never waits for us.
final class CapturedOutput: Sendable {
    private struct Text {
        var bytes: [UInt8] = []
        var left = CapturedOutput.capacity
        var isComplete = false
    }

    private static let capacity = 64 << 10
    private let text = Mutex(Text())

    /// Reads on a thread of its own until the last writer has gone.
    init(_ pipe: Descriptor) {
        startThread {
            while let bytes = try? pipe.read(upTo: 16 << 10, by: .now + .seconds(600)), !bytes.isEmpty {
                self.text.withLock { text in
                    text.bytes += bytes.prefix(text.left)
                    text.left -= min(text.left, bytes.count)
                }
            }
            self.text.withLock { $0.isComplete = true }
        }
    }

    /// True when the last writer has gone.
    var isComplete: Bool { self.text.withLock(\.isComplete) }

    var string: String { String(decoding: self.text.withLock(\.bytes), as: UTF8.self) }
}
