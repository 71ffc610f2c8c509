/// All files there were at one moment. Handles share them; what has gone meanwhile lives until the last of them has read it.
final class JournalFiles: Sendable {
    let files: [MappedFile]
    private let memory: MappedMemory

    init(_ files: [MappedFile], _ memory: MappedMemory) {
        self.files = files
        self.memory = memory
    }

    /// These and others.
    func adding(_ others: [MappedFile]) -> JournalFiles { JournalFiles(self.files + others, self.memory) }

    /// True when others' entries, by their numbers, go on where these end, or before that.
    func goOn(with others: [MappedFile]) -> Bool {
        var known = self.files
        for file in others.sorted(by: { $0.numbers.first < $1.numbers.first }) {
            let last = known.filter { $0.sequence == file.sequence }.map(\.numbers.last).max()
            if let last, file.numbers.first > last, file.numbers.first - last > 1 { return false }
            known.append(file)
        }
        return true
    }

    /// True when one has outgrown its mapping or has been deleted: others have to be read.
    var isStale: Bool { self.files.contains(where: \.isStale) }

    /// Gives the pages back that reading has brought into this process's memory, when those are too many.
    func releaseIfNeeded() {
        if self.memory.isTooMuch { self.release() }
    }

    func release() {
        for file in self.files { file.release() }
        self.memory.noteRelease()
    }
}
