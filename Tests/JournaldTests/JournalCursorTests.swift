import PluginKit
import Testing

@Suite struct JournalCursorTests {
    static let id = "0123456789abcdef0123456789abcdef"
    static let good = "s=\(id);i=1a;b=\(id);m=2b;t=5d8f1f0e8c000;x=ffffffffffffffff"

    /// What opening says to a cursor.
    private static func code(_ cursor: [UInt8], _ source: any LogSource) -> PluginError.Code? {
        var query = Query()
        query.start = .cursor(cursor)
        do {
            _ = try ReaderRun(source, query)
            return nil
        } catch let error as PluginError {
            return error.code
        } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test(
        arguments: [
            "", ";", ";;;;;", "x", "END", "s=1;i=1;b=1;m=1;t=1;x=1",
            "s=\(id);i=1;b=\(id);m=1;t=1", "s=\(id);i=1;b=\(id);m=1;t=1;x=1;", ";s=\(id);i=1;b=\(id);m=1;t=1;x=1",
            "i=1;s=\(id);b=\(id);m=1;t=1;x=1", "s=\(id);i=;b=\(id);m=1;t=1;x=1", "s=;i=1;b=\(id);m=1;t=1;x=1",
            "s=\(id)0;i=1;b=\(id);m=1;t=1;x=1", "s=\(id.dropLast());i=1;b=\(id);m=1;t=1;x=1",
            "s=\(id.dropLast())g;i=1;b=\(id);m=1;t=1;x=1",
            "s=\(id);i=1g;b=\(id);m=1;t=1;x=1", "s=\(id);i=+1;b=\(id);m=1;t=1;x=1", "s=\(id);i=-1;b=\(id);m=1;t=1;x=1",
            "s=\(id);i= 1;b=\(id);m=1;t=1;x=1", "s=\(id);i=0x1;b=\(id);m=1;t=1;x=1",
            "s=\(id);i=1;b=\(id);m=1;t=1;x=10000000000000000",
            "S=\(id);i=1;b=\(id);m=1;t=1;x=1", "s:\(id);i=1;b=\(id);m=1;t=1;x=1", "s=\(id);;b=\(id);m=1;t=1;x=1",
            "s=\(id);i=1;b=\(id);m=1;t=1;x=1\n", "s=\(id);i=1;b=\(id);m=1;t=1;x=1\u{0}", "s=\(id);i=1;b=\(id);m=1;t=1;x=é",
            "s=\(id);i=1;b=\(id);m=1;t=1;y=1", "s=\(id);i=1;i=1;m=1;t=1;x=1",
        ])
    func `what no entry carries is malformed`(cursor: String) throws {
        try withJournal { journal in
            let source = try journal.source()
            #expect(Self.code(Array(cursor.utf8), source) == .malformedCursor)
            try journal.write("a", WrittenJournal.entries(3))
            #expect(Self.code(Array(cursor.utf8), source) == .malformedCursor)
        }
    }

    @Test func `bytes that are no text are malformed`() throws {
        try withJournal { journal in
            let source = try journal.source()
            #expect(Self.code(Array(Self.good.utf8) + [0xFF], source) == .malformedCursor)
            #expect(Self.code([0xFF], source) == .malformedCursor)
        }
    }

    @Test(arguments: [
        good, good.uppercased().replacing(/[SIBMTX]=/) { $0.output.lowercased() }, "s=\(id);i=0;b=\(id);m=0;t=0;x=0",
    ])
    func `what an entry could have carried is good, and gone`(cursor: String) throws {
        try withJournal { journal in
            try journal.write("a", WrittenJournal.entries(3))
            let source = try journal.source()
            #expect(Self.code(Array(cursor.utf8), source) == .cursorGone)
        }
    }

    @Test func `every spelling of an entry's cursor finds it`() throws {
        try withJournal { journal in
            try journal.write("a", WrittenJournal.entries(20))
            let source = try journal.source()
            let read = try readAll(source)
            for (number, entry) in read.enumerated() {
                let upper = entry.cursor.uppercased().replacing(/[SIBMTX]=/) { $0.output.lowercased() }
                let long = entry.cursor.replacing(/([imt])=/) { "\($0.output.1)=00" }
                for spelling in [entry.cursor, upper, long] {
                    var query = Query()
                    query.start = .cursor(Array(spelling.utf8))
                    let found = try readAll(source, query).map(\.number)
                    #expect(found == Array((number + 1)..<20))
                }
            }
        }
    }
}
