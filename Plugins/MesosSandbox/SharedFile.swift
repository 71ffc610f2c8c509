internal import Synchronization

/// What the readers of one followed file tell each other.
final class SharedFile: Sendable {
    private struct State {
        var given: UInt64 = 0
        var end: UInt64 = 0
        var released: UInt64?
    }

    private let state = Mutex(State())

    /// Where an unfinished line was cut because its end did not come: all cut it there.
    var released: UInt64? {
        get { self.state.withLock { $0.released } }
        set { self.state.withLock { $0.released = newValue } }
    }

    /// One of the readers.
    final class Member: Sendable {
        let file: SharedFile
        private let own = Atomic<UInt64>(0)

        init(_ file: SharedFile) {
            self.file = file
        }

        /// Counts that this reader has given lines.
        func countGiven() {
            self.file.state.withLock { state in
                state.given += 1
                self.own.add(1, ordering: .relaxed)
            }
        }

        /// Says where this reader begins. If that is not where others have seen the end they have to look again: what has come since would
        /// fall between one of them and this one, which it is about to join.
        func begin(at offset: UInt64) {
            self.file.state.withLock { state in
                guard state.end != offset else { return }
                state.end = offset
                state.given += 1
                self.own.add(1, ordering: .relaxed)
            }
        }

        /// Says where this reader has found nothing more.
        func end(at offset: UInt64) { self.file.state.withLock { $0.end = offset } }

        /// How often another reader has given lines, or begun elsewhere.
        var givenByOthers: UInt64 { self.file.state.withLock { $0.given - self.own.load(ordering: .relaxed) } }
    }
}

/// The followed files, each as long as somebody follows it.
final class SharedFiles: Sendable {
    private struct Weak {
        weak var file: SharedFile?
    }

    private let files = Mutex<[[UInt8]: Weak]>([:])

    /// What all readers of a topic share.
    func file(_ topic: [UInt8]) -> SharedFile {
        self.files.withLock { files in
            if let file = files[topic]?.file { return file }
            if files.count >= 1_024 { files = files.filter { $0.value.file != nil } }
            let file = SharedFile()
            files[topic] = Weak(file: file)
            return file
        }
    }
}
