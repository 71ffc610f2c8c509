internal import PluginKit

/// What stands under `config`: at most one of `directory`, `files` and `namespace`; by default the local system's journal.
package struct JournalConfiguration: Decodable, Sendable {
    /// A directory of journal files, absolute.
    package var directory: String?
    /// Journal files, absolute.
    package var files: [String]?
    /// A journal namespace of this system.
    package var namespace: String?
    /// Fields whose values `/v1/fields/{field}` gives out.
    package var fields: [String]?

    /// Who reads the files.
    package var reader: Reader?

    package enum Reader: String, Sendable {
        /// This plugin, as far as it can; libsystemd the rest.
        case mapped
        case libsystemd
    }

    /// What the Logging API gives out.
    static let defaultFields = ["FRAMEWORK_ID", "AGENT_ID", "EXECUTOR_ID", "CONTAINER_ID", "STREAM"]

    package init(from decoder: any Decoder) throws {
        let keys = try StrictKeys(decoder, "directory", "files", "namespace", "fields", "reader")
        self.directory = try keys.value("directory")
        self.files = try keys.value("files")
        self.namespace = try keys.value("namespace")
        self.fields = try keys.value("fields")
        guard let reader: String = try keys.value("reader") else { return }
        self.reader = Reader(rawValue: reader)
        if self.reader == nil { throw PluginError(.invalid, "reader: expected mapped or libsystemd") }
    }

    func validate() throws {
        let places = [self.directory != nil, self.files != nil, self.namespace != nil].count { $0 }
        if places > 1 { throw PluginError(.invalid, "directory, files, namespace: expected at most one of them") }
        if let directory, !directory.hasPrefix("/") { throw PluginError(.invalid, "directory: expected an absolute path") }
        if let files, files.isEmpty || !files.allSatisfy({ $0.hasPrefix("/") }) {
            throw PluginError(.invalid, "files: expected a list of absolute paths")
        }
        if let namespace,
            namespace.isEmpty || namespace.utf8.count > 255 || namespace.utf8.contains(where: { $0 == 0x2F || $0 < 0x20 })
        {
            throw PluginError(.invalid, "namespace: expected the name of a journal namespace")
        }
        if let fields, !fields.allSatisfy(isFieldName) {
            throw PluginError(.invalid, "fields: expected a list of journal field names")
        }
    }

    var place: JournalPlace {
        if let directory { return .directory(directory) }
        if let files { return .files(files) }
        if let namespace { return .namespace(namespace) }
        return .system
    }
}

/// True for 1...64 of `A-Z0-9_`, not beginning with a digit or two underscores.
private func isFieldName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard (1...64).contains(bytes.count), !name.hasPrefix("__"), !(0x30...0x39).contains(bytes[0]) else { return false }
    return bytes.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
}
