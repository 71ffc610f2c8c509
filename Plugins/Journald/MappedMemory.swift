internal import Glibc
internal import Synchronization

/// How much of mapped files counts as this process's memory, as the kernel says (proc(5)).
///
/// One page that is read brings in those around it, so that what was read says little of it.
final class MappedMemory: Sendable {
    private let descriptor: Int32
    /// What other files have, as of the last time when nothing was mapped in.
    private let others: Atomic<Int>

    private let questions = Atomic(0)

    /// In bytes; more is given back. It stays in the system's memory, and comes again when it is read.
    private static let budget = 40 << 20

    init() {
        self.descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        self.others = Atomic(Self.read(self.descriptor) ?? 0)
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }

    /// True when it is time to give some back; where the kernel does not say, always. It is asked one time in eight: that costs as much as
    /// reading an entry.
    var isTooMuch: Bool {
        guard self.questions.add(1, ordering: .relaxed).newValue & 7 == 0 else { return false }
        guard let pages = Self.read(self.descriptor) else { return true }
        return (pages - self.others.load(ordering: .relaxed)) * Int(getpagesize()) > Self.budget
    }

    /// Takes note that all has been given back.
    func noteRelease() {
        if let pages = Self.read(self.descriptor) { self.others.store(pages, ordering: .relaxed) }
    }

    /// Resident pages of files, the third of the numbers there.
    private static func read(_ descriptor: Int32) -> Int? {
        unsafe withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
            let count = unsafe pread(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return nil }
            var spaces = 0
            var number = 0
            for index in 0..<count {
                let byte = unsafe buffer[index]
                if byte == UInt8(ascii: " ") {
                    spaces += 1
                    if spaces == 3 { return number }
                } else if spaces == 2 {
                    number = number * 10 + Int(byte & 0x0F)
                }
            }
            return nil
        }
    }
}
