import FoundationEssentials
import Glibc
import Journald
import PluginKit
import Testing

/// An entry as a test writes it, and as a reader should give it back.
struct WrittenEntry: Sendable {
    var realtime: UInt64
    var monotonic: UInt64
    var boot = 1
    var fields: [(name: String, value: [UInt8])]

    var bootID: String { String(repeating: "0", count: 31) + "\(self.boot)" }

    /// In the export format: every value with its length, except an empty one, which systemd-journal-remote would leave out.
    var exported: [UInt8] {
        var bytes = Array(
            "__REALTIME_TIMESTAMP=\(self.realtime)\n__MONOTONIC_TIMESTAMP=\(self.monotonic)\n_BOOT_ID=\(self.bootID)\n".utf8)
        for field in self.fields {
            if field.value.isEmpty {
                bytes += Array("\(field.name)=\n".utf8)
                continue
            }
            bytes += Array("\(field.name)\n".utf8)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: UInt64(field.value.count) >> UInt64($0 * 8)) }
            bytes += field.value + [0x0A]
        }
        return bytes + [0x0A]
    }

    func values(_ name: String) -> [[UInt8]] {
        self.fields.filter { $0.name == name }.map(\.value)
    }

    /// Whether the entry passes, by the definition of a filter.
    func passes(_ filter: Filter) -> Bool {
        filter.clauses.allSatisfy { clause in
            clause.contains { match in self.values(String(decoding: match.name, as: UTF8.self)).contains(match.value) }
        }
    }
}

/// A directory of journal files, made by systemd-journal-remote.
struct JournalFixture: Sendable {
    static let writer = "/lib/systemd/systemd-journal-remote"

    let directory: String

    /// Writes a whole file.
    func write(_ name: String, _ entries: [WrittenEntry], environment: String = "") throws {
        let export = "\(self.directory)/\(name).export"
        try Data(entries.flatMap(\.exported)).write(to: URL(filePath: export))
        defer { unsafe unlink(export) }
        // Written beside and moved, so that a follow never finds half a file.
        let beside = "\(self.directory)/beside"
        try FileManager.default.createDirectory(atPath: beside, withIntermediateDirectories: true)
        let command =
            "\(environment) \(Self.writer) --output=\(beside)/\(name).journal --split-mode=none \(export) 2>\(beside)/errors"
        try #require(unsafe system(command) == 0, "\(command)")
        try #require(unsafe Glibc.rename("\(beside)/\(name).journal", "\(self.directory)/\(name).journal") == 0)
        try FileManager.default.removeItem(atPath: beside)
    }

    func rename(_ name: String, to other: String) throws {
        let (old, new) = ("\(self.directory)/\(name).journal", "\(self.directory)/\(other).journal")
        try #require(unsafe Glibc.rename(old, new) == 0)
    }

    func remove(_ name: String) throws {
        try #require(unsafe unlink("\(self.directory)/\(name).journal") == 0)
    }

    /// The plugin's source over this directory.
    func source(fields: [String]? = nil) throws -> any LogSource {
        let fields = fields.map { ",\"fields\":[\($0.map { "\"\($0)\"" }.joined(separator: ","))]" } ?? ""
        return try journalSource("{\"directory\":\"\(self.directory)\"\(fields)}")
    }
}

/// Lends an empty directory; gone afterwards.
func withJournal<Result>(_ body: (JournalFixture) throws -> Result) throws -> Result {
    try #require(
        unsafe access(JournalFixture.writer, X_OK) == 0,
        "\(JournalFixture.writer) is missing: install the package systemd-journal-remote")
    let path = "/tmp/loghost-journald-\(UInt64.random(in: .min ... .max))"
    try #require(unsafe mkdir(path, 0o700) == 0)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(JournalFixture(directory: path))
}

/// The plugin's source, configured with a JSON object.
func journalSource(_ configuration: String) throws -> any LogSource {
    try #require(try journalPlugin(configuration).source)
}

func journalPlugin(_ configuration: String) throws -> JournalPlugin {
    var decoded = try JSONDecoder().decode(JournalConfiguration.self, from: Data(configuration.utf8))
    decoded.reader = decoded.reader ?? BothReaders.reader
    return try JournalPlugin(configuration: decoded, host: Host(name: "journal"))
}
