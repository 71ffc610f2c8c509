internal import Glibc
internal import Testing

extension EndToEndTests {
    /// An entry that is in the journal's list of all and not yet in those of its fields, as while journald is writing it.
    @Suite struct HalfWrittenEntryTests {
        /// Where the number of entries of a field's value stands in a journal file (systemd's JOURNAL_FILE_FORMAT).
        private static func place(of field: String, in file: String) throws -> off_t {
            let bytes = try readFile(file)
            let payload = try #require(bytes.firstRange(of: Array(field.utf8))?.lowerBound)
            // HEADER_INCOMPATIBLE_COMPACT: 8 bytes more before the value.
            let isCompact = bytes[12] & 16 != 0
            return off_t(payload - (isCompact ? 16 : 8))
        }

        /// STATE_ONLINE, as it is while journald writes.
        private static func setOnline(_ file: String) throws {
            let number = unsafe open(file, O_WRONLY | O_CLOEXEC)
            try #require(number >= 0)
            let descriptor = Descriptor(number)
            var state: UInt8 = 1
            try #require(unsafe pwrite(descriptor.number, &state, 1, 16) == 1)
        }

        private static func set(_ count: UInt8, at place: off_t, in file: String, from old: UInt8) throws {
            let number = unsafe open(file, O_RDWR | O_CLOEXEC)
            try #require(number >= 0)
            let descriptor = Descriptor(number)
            var found: UInt8 = 0
            try #require(unsafe pread(descriptor.number, &found, 1, place) == 1 && found == old, "not where the number is")
            var count = count
            try #require(unsafe pwrite(descriptor.number, &count, 1, place) == 1)
        }

        @Test(arguments: ["mapped", "libsystemd"], ["", "cursor=BEG&", "skip=-3&"])
        func `a filtered follow does not lose what others have read already`(reader: String, start: String) async throws {
            try await withJournal { journal in
                let field = ("WHO", Array("me".utf8))
                try await journal.write((1...10).map { JournalEntry($0, [field]) })
                let place = try Self.place(of: "WHO=me", in: journal.file("a"))
                try Self.setOnline(journal.file("a"))
                try Self.set(9, at: place, in: journal.file("a"), from: 10)
                var configuration = LogHostConfiguration(directory: journal.directory)
                configuration.reader = reader
                try await withLogHost(configuration) { server in
                    let (all, own) = (Highest(), Highest())
                    async let other = server.follow("/v2/component", as: .sse) { reader in
                        try reader.read(to: 10)
                        all.advance(to: 10)
                        try reader.read(to: 11)
                        return Followed(reader)
                    }
                    try await all.wait(for: 10)
                    async let filtered = server.follow("/v2/component?\(start)filter=WHO:me", as: .sse) { reader in
                        try reader.read(to: 9)
                        own.advance(to: 9)
                        try reader.read(to: 11)
                        return Followed(reader)
                    }
                    try await own.wait(for: 9)
                    // Long enough to join the others, if it did.
                    try await Task.sleep(for: .milliseconds(300))
                    try Self.set(10, at: place, in: journal.file("a"), from: 9)
                    try await journal.write([JournalEntry(11, [field])], to: "b")
                    #expect(try await other.difference(to: 1...11) == nil)
                    let numbers = try await filtered.numbers
                    #expect(numbers == Array((start == "skip=-3&" ? 7 : 1)...11))
                }
            }
        }
    }
}
